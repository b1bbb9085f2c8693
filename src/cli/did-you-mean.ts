import { nearest } from '../nearest.js';
import { list } from '../services/index.js';
import { leftOut } from './left-out.js';

/** The stanza of a service that finit does not have, or one with a name like it, as the end of a message; nothing if there is none. */
export async function didYouMean(unknown: string): Promise<string> {
  const stanza = leftOut(unknown);
  if (stanza !== '') return stanza;
  try {
    const names = (await list()).flatMap(({ name, identity }) => [name, identity]);
    const hint = nearest(unknown, [...new Set(names)]);
    return hint === undefined ? '' : `, did you mean ${hint}?`;
  } catch {
    return '';
  }
}
