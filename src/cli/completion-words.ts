/** What may stand at the end of a command line: from the table of commands, and from the finit that is meant. */
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { list as listConditions } from '../conditions/index.js';
import { list as listServices } from '../services/index.js';
import type { ArgumentKind, Entry } from './command.js';
import { commands } from './commands.js';
import { globalOptions, type OptionSpec, parseCommandLine } from './options.js';

/** One way to go on. */
export interface Candidate {
  word: string;
  about?: string;
}

/** How long a person who has pressed tab waits for finit, in milliseconds. */
const wait = { timeout: 1000 };

/**
 * The candidates for the last of the words.
 * @param words a command line after the program's name; the last one is being written and may be empty
 */
export async function candidates(words: readonly string[]): Promise<Candidate[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return [];
  let line: ReturnType<typeof parseCommandLine>;
  try {
    line = parseCommandLine(valueless(before), (name) => commands[name]);
  } catch {
    return [];
  }
  const { command, args, options } = line;
  if (typeof options['run-dir'] === 'string') process.env.FINIT_RUN_DIR = options['run-dir'];
  if (typeof options.transport === 'string') process.env.FINIT_TRANSPORT = options.transport;
  const entry = command === undefined ? undefined : commands[command];
  const specs = [...(entry?.options ?? []), ...globalOptions];
  const all = await offers(last, before.at(-1), { command, entry, args, specs });
  return all.filter(({ word }) => word.startsWith(last));
}

interface Place {
  command: string | undefined;
  entry: Entry | undefined;
  args: readonly string[];
  specs: readonly OptionSpec[];
}

async function offers(last: string, previous: string | undefined, place: Place): Promise<Candidate[]> {
  const { command, entry, args, specs } = place;
  const waiting = specs.find((spec) => spec.value && !spec.optional && isOption(previous, spec));
  if (waiting) return valuesOf(waiting, last, '');
  const [, long] = /^--([^=]+)=/.exec(last) ?? [];
  const spec = specs.find((one) => one.value && one.long === long);
  if (spec) return valuesOf(spec, last.slice(last.indexOf('=') + 1), `--${spec.long}=`);
  if (last.startsWith('-') && !entry?.raw)
    return specs.map((one) => ({ word: `--${one.long}`, about: one.help }));
  if (command === undefined)
    return Object.entries(commands)
      .filter(([, { hidden }]) => !hidden)
      .map(([word, { summary }]) => ({ word, about: summary }));
  if (entry === undefined) return [];
  const [action, ...rest] = args;
  if (entry.actions && action === undefined) return Object.keys(entry.actions).map((word) => ({ word }));
  const kinds = (entry.actions ? entry.actions[action ?? ''] : entry.args) ?? [];
  const given = entry.actions ? rest : args;
  const kind = kinds[given.length] ?? (isPlural(kinds.at(-1)) ? kinds.at(-1) : undefined);
  if (kind === undefined) return [];
  const found = await ofKind(kind, last).catch(() => []);
  return found.filter(({ word }) => !given.includes(word));
}

/** An option that waits for its value is no mistake here. */
function valueless(before: readonly string[]): string[] {
  const end = before.at(-1);
  const all = Object.values(commands).flatMap(({ options }) => options ?? []);
  return [...globalOptions, ...all].some((spec) => spec.value && !spec.optional && isOption(end, spec))
    ? before.slice(0, -1)
    : [...before];
}

const isOption = (word: string | undefined, { long, short }: OptionSpec): boolean =>
  word === `--${long}` || (short !== undefined && word === `-${short}`);

function valuesOf(spec: OptionSpec, begun: string, prefix: string): Candidate[] {
  const words = spec.long === 'run-dir' ? paths(begun, true) : (spec.words ?? []);
  return words.map((word) => ({ word: prefix + word }));
}

const isPlural = (kind: ArgumentKind | undefined): boolean =>
  kind !== undefined &&
  ['services', 'conditions', 'user-conditions', 'conf', 'available', 'enabled', 'files'].includes(
    String(kind),
  );

async function ofKind(kind: ArgumentKind, begun: string): Promise<Candidate[]> {
  if (typeof kind === 'object') return kind.words.map((word) => ({ word }));
  switch (kind) {
    case 'service':
    case 'services':
      return await services();
    case 'condition':
    case 'conditions':
    case 'user-conditions':
      return await conditions(kind === 'user-conditions');
    case 'conf':
    case 'available':
    case 'enabled':
      return await confFiles(kind);
    case 'signal':
      return Object.keys(constants.signals)
        .filter((name) => !name.startsWith('SIGRT'))
        .map((name) => ({ word: name.slice('SIG'.length) }));
    case 'runlevel':
      return [...'S0123456789'].map((word) => ({ word }));
    case 'command':
      return Object.entries(commands)
        .filter(([, { hidden }]) => !hidden)
        .map(([word, { summary }]) => ({ word, about: summary }));
    case 'file':
    case 'files':
      return paths(begun, false).map((word) => ({ word }));
    case 'directory':
      return paths(begun, true).map((word) => ({ word }));
  }
}

async function services(): Promise<Candidate[]> {
  const all = await listServices(wait);
  const several = all.filter(({ id }) => id !== '').map(({ name }) => name);
  return [
    ...all.map(({ identity, description }) => ({ word: identity, about: description })),
    ...[...new Set(several)].map((word) => ({ word, about: 'all of that name' })),
  ];
}

async function conditions(user: boolean): Promise<Candidate[]> {
  const all = await listConditions(user ? 'usr/*' : '**');
  return all.map(({ name, state }) => ({ word: user ? name.slice('usr/'.length) : name, about: state }));
}

async function confFiles(kind: 'conf' | 'available' | 'enabled'): Promise<Candidate[]> {
  const [{ confNames }, { confPlaces }] = await Promise.all([
    import('./conf-list.js'),
    import('./conf-paths.js'),
  ]);
  const places = confPlaces();
  const folders = kind === 'conf' ? ['available/', ''] : [`${kind}/`];
  const names = folders.flatMap((folder) => confNames(places, `${places.directory}/${folder}`));
  return [...new Set(names)].map((word) => ({ word: word.replace(/\.conf$/, '') }));
}

/** Files and directories that begin so; a directory ends in a slash. */
function paths(begun: string, directories: boolean): string[] {
  const folder = begun.endsWith('/') ? begun : dirname(begun);
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !directories || entry.isDirectory())
      .map((entry) => {
        const name = begun.includes('/') ? join(folder, entry.name) : entry.name;
        return entry.isDirectory() ? `${name}/` : name;
      })
      .sort();
  } catch {
    return [];
  }
}
