/** Stanzas of services that finit does not have. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { confNames } from './conf-list.js';
import { type ConfPlaces, confPlaces, seen } from './conf-paths.js';

/**
 * Where a stanza for this service is and what may be wrong with it, as the end of a message; nothing if there is none.
 *
 * finit leaves a stanza out whose program it does not find when it reads it (tried on 4.12 and 4.14).
 */
export function leftOut(name: string): string {
  try {
    const places = confPlaces();
    const { directory, conf } = places;
    const files = [directory, `${directory}/enabled`].flatMap((path) =>
      confNames(places, path).map((file) => `${path}/${file}`),
    );
    for (const file of [conf, ...files]) {
      const stanza = stanzas(places, file).find(({ names }) => names.includes(name));
      if (stanza === undefined) continue;
      const { program } = stanza;
      const why = program === undefined ? 'is its program there' : `is ${program} there`;
      return `; ${file} has a stanza for it, which finit has left out (${why}?), or has not read yet (node-finit reload)`;
    }
  } catch {
    // Then only that is said which is certain.
  }
  return '';
}

interface Stanza {
  /** What it may be called. */
  names: string[];
  program: string | undefined;
}

function stanzas(places: ConfPlaces, file: string): Stanza[] {
  try {
    const text = readFileSync(seen(places, file), 'utf8').replaceAll('\\\n', ' ');
    return text.split('\n').flatMap((line) => stanza(line) ?? []);
  } catch {
    return [];
  }
}

function stanza(line: string): Stanza | undefined {
  const [type = '', ...words] = line
    .trim()
    .replace(/ -- .*/, '')
    .split(/\s+/);
  if (!['service', 'task', 'run', 'sysv'].includes(type)) return undefined;
  const program = words.find((word) => word.startsWith('/'));
  const said = (key: string) => words.find((word) => word.startsWith(key))?.slice(key.length);
  const name = said('name:') ?? (program === undefined ? undefined : basename(program));
  if (name === undefined) return undefined;
  const id = said(':');
  return { names: id === undefined ? [name] : [name, `${name}:${id}`], program };
}
