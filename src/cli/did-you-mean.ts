import { list } from '../services/index.js';
import { nearest } from './nearest.js';

/** A service with a name like this one, as the end of a message; nothing if there is none. */
export async function didYouMean(unknown: string): Promise<string> {
  try {
    const names = (await list()).flatMap(({ name, identity }) => [name, identity]);
    const hint = nearest(unknown, [...new Set(names)]);
    return hint === undefined ? '' : `, did you mean ${hint}?`;
  } catch {
    return '';
  }
}
