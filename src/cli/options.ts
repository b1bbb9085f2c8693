/**
 * The options of the command line, read as getopt_long() of the C library does for finit's initctl: anywhere on the line, short
 * ones in bunches (-pt), long ones shortened as long as it is clear which is meant, and none after `--`.
 */

import { nearest } from '../nearest.js';
import { UsageError } from './command.js';

/** One option. */
export interface OptionSpec {
  /** Without `--`. */
  long: string;
  /** Without `-`. */
  short?: string;
  /** What its value is called, e.g. `TIME`; absent: it has none. */
  value?: string;
  /** Its value may be left out, and follows a = if it is there. */
  optional?: boolean;
  /** What it does, in a few words. */
  help: string;
  /** For completion: what its value may be. */
  words?: readonly string[];
  /** Its value is a file's name. */
  file?: boolean;
}

/** `true` for an option without a value; of one that is there twice the last counts. */
export type OptionValues = Readonly<Record<string, string | true | undefined>>;

/** Those of every command: initctl's (src/initctl.c, 4.17), and which finit is meant. */
export const globalOptions: readonly OptionSpec[] = [
  { long: 'batch', short: 'b', help: 'do not look at the size of the terminal: 80 columns' },
  { long: 'create', short: 'c', help: 'create missing directories and files' },
  { long: 'debug', short: 'd', help: 'say more about errors' },
  { long: 'force', short: 'f', help: 'never ask back' },
  { long: 'help', short: 'h', help: 'this, or with a command what it does' },
  { long: 'json', short: 'j', help: 'JSON' },
  { long: 'noerr', short: 'n', help: 'exit with 0 when it is already so, or there is no such service' },
  { long: 'once', short: '1', help: 'one lap only, in top' },
  { long: 'plain', short: 'p', help: 'plain headings, no colours' },
  { long: 'quiet', short: 'q', help: 'print nothing, only exit with a status' },
  { long: 'no-heading', short: 't', help: 'no table headings' },
  { long: 'verbose', short: 'v', help: 'say more' },
  { long: 'version', short: 'V', help: 'versions of finit and of node-finit' },
  { long: 'run-dir', value: 'DIR', help: "finit's run directory; default: FINIT_RUN_DIR, or /run/finit" },
  {
    long: 'transport',
    value: 'WAY',
    words: ['auto', 'socket', 'bus', 'initctl'],
    help: 'auto, socket, bus or initctl; default: FINIT_TRANSPORT, or auto',
  },
];

/** What a command's own entry says to the parser. */
export interface CommandOptions {
  options?: readonly OptionSpec[];
  raw?: boolean;
  verbatim?: boolean;
}

export interface CommandLine {
  /** The first word that is no option. */
  command?: string;
  /** What follows it, without options; for a raw command with them, but for --run-dir and --transport. */
  args: string[];
  options: OptionValues;
}

/** Reads a command line. Options of a command's own count after its name, and go before global ones with the same letter. */
export function parseCommandLine(
  argv: readonly string[],
  lookUp: (command: string) => CommandOptions | undefined,
): CommandLine {
  const options: Record<string, string | true> = {};
  const args: string[] = [];
  let specs = globalOptions;
  let command: string | undefined;
  let raw = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    const next = (spec: OptionSpec): string => {
      const value = argv[++i];
      if (value === undefined) throw new UsageError(`--${spec.long} needs a ${spec.value}`);
      return value;
    };
    if (word === '--') {
      if (raw) args.push(word);
      args.push(...argv.slice(i + 1));
      break;
    }
    if (raw) {
      const spec = globalOptions.find(
        ({ long, value }) => value && (word === `--${long}` || word.startsWith(`--${long}=`)),
      );
      if (spec) options[spec.long] = word.includes('=') ? word.slice(spec.long.length + 3) : next(spec);
      else args.push(word);
    } else if (word.startsWith('--')) readLong(word.slice(2), specs, options, next);
    else if (word.startsWith('-') && word !== '-') readShort(word.slice(1), specs, options, next);
    else if (command === undefined) {
      command = word;
      const own = lookUp(word);
      raw = own?.raw ?? false;
      if (own?.verbatim) return { command, args: argv.slice(i + 1), options };
      specs = [...(own?.options ?? []), ...globalOptions];
    } else args.push(word);
  }
  if (command === undefined && args.length > 0) command = args.shift();
  return { ...(command !== undefined && { command }), args, options };
}

function readLong(
  word: string,
  specs: readonly OptionSpec[],
  options: Record<string, string | true>,
  next: (spec: OptionSpec) => string,
): void {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const like = specs.filter(({ long }) => long.startsWith(name));
  const spec = like.find(({ long }) => long === name) ?? (like.length === 1 ? like[0] : undefined);
  if (spec === undefined && like.length > 1)
    throw new UsageError(`--${name} may be ${like.map(({ long }) => `--${long}`).join(', ')}`);
  if (spec === undefined) {
    const hint = nearest(
      name,
      specs.map(({ long }) => long),
    );
    throw new UsageError(`no option --${name}${hint === undefined ? '' : `, did you mean --${hint}?`}`);
  }
  if (spec.value === undefined && equals >= 0) throw new UsageError(`--${spec.long} takes no value`);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  options[spec.long] = value ?? (spec.value === undefined || spec.optional ? true : next(spec));
}

function readShort(
  letters: string,
  specs: readonly OptionSpec[],
  options: Record<string, string | true>,
  next: (spec: OptionSpec) => string,
): void {
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] === '?' ? 'h' : letters[i];
    const spec = specs.find(({ short }) => short === letter);
    if (spec === undefined) throw new UsageError(`no option -${letter}`);
    if (spec.value === undefined || spec.optional) {
      options[spec.long] = true;
      continue;
    }
    options[spec.long] = i + 1 < letters.length ? letters.slice(i + 1) : next(spec);
    return;
  }
}
