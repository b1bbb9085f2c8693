/**
 * Which layout a service record has.
 *
 * A record is PID 1's raw `svc_t` (record-struct.ts). A message on the control socket keeps its length, and the length tells the
 * layout, but for a few pairs that only their content tells apart. To add a release: its name to VERSIONS with the members that it
 * changed (record-struct.ts), and its lengths (record-lengths.ts).
 */
import { readInt32, readNumber } from './bytes.js';
import { pickFields, type RecordFields } from './record-fields.js';
import { GROUPS, LENGTHS } from './record-lengths.js';
import { ABIS, type Abi, layOut, releaseOf } from './record-struct.js';
import type { StateDialect } from './service.js';

/** One layout of the service record. */
export interface RecordLayout {
  /** Length of the record, in bytes. */
  length: number;
  /** The finit releases that have it. */
  versions: readonly string[];
  /** The ABI: `64-bit`, `armhf`, `armhf-time32`, `i386` or `i386-time64`. */
  abi: string;
  /** Size of finit's pointers, in bytes. */
  pointerSize: number;
  /** That finit was built with a libuev before 2.4, which makes the record shorter. */
  oldUev: boolean;
  /** Names of the numbers in `state`, svc_state_t. */
  states: readonly string[];
  dialect: StateDialect;
  fields: RecordFields;
}

const BEFORE_44 = ['halted', 'done', 'stopping', 'cleanup', 'setup', 'waiting', 'ready', 'running'];

/** svc_state_t, in the words of svc_status(). */
const STATES: Readonly<Record<StateDialect, readonly string[]>> = {
  '4.2': BEFORE_44,
  '4.3': BEFORE_44,
  '4.4': ['halted', 'done', 'stopping', 'cleanup', 'setup', 'paused', 'waiting', 'starting', 'running'],
  '4.10': [
    ...(['halted', 'done', 'dead', 'cleanup', 'teardown', 'stopping', 'setup', 'paused', 'waiting'] as const),
    ...(['starting', 'running'] as const),
  ],
};

function dialectOf(version: string): StateDialect {
  const release = releaseOf(version);
  if (release >= releaseOf('4.10')) return '4.10';
  if (release >= releaseOf('4.4')) return '4.4';
  return release >= releaseOf('4.3') ? '4.3' : '4.2';
}

/** A layout that is laid out when it is wanted. */
interface Candidate {
  versions: readonly string[];
  abi: Abi;
  oldUev: boolean;
  pidOffset: number;
  layout?: RecordLayout;
}

function toLayout(candidate: Candidate): RecordLayout {
  if (candidate.layout) return candidate.layout;
  const { versions, abi, oldUev } = candidate;
  const [version = ''] = versions;
  const struct = layOut(version, abi, oldUev);
  const dialect = dialectOf(version);
  candidate.layout = {
    length: struct.length,
    versions,
    abi: abi.name,
    pointerSize: abi.word,
    oldUev,
    states: STATES[dialect],
    dialect,
    fields: pickFields(struct.fields),
  };
  return candidate.layout;
}

/** By architecture and length. Two of one length are in the order of their likelihood. */
const known = new Map<string, ReadonlyMap<number, readonly Candidate[]>>();

function candidatesOf(architecture: string): ReadonlyMap<number, readonly Candidate[]> {
  const found = known.get(architecture);
  if (found) return found;
  const candidates = new Map<number, Candidate[]>();
  for (const oldUev of [false, true])
    for (const abi of ABIS[architecture] ?? []) {
      const { lengths = [], withOldUev = [], pid = [0, 0] } = LENGTHS[abi.name] ?? {};
      (oldUev ? withOldUev : lengths).forEach((length, i) => {
        const versions = GROUPS[i] ?? [];
        const pidOffset = releaseOf(versions[0] ?? '') < releaseOf('4.15') ? pid[0] : pid[1];
        const candidate = { versions, abi, oldUev, pidOffset };
        const same = candidates.get(length);
        if (same) same.push(candidate);
        else candidates.set(length, [candidate]);
      });
    }
  known.set(architecture, candidates);
  return candidates;
}

/** The layouts that finit may have on an architecture (as in `process.arch`). */
export function recordLayouts(architecture: string = process.arch): readonly RecordLayout[] {
  return [...candidatesOf(architecture).values()].flat().map(toLayout);
}

/**
 * The layout of a record, if its length is one that we know.
 *
 * Lengths are unique on an architecture, also between its ABIs, but for 4.2 and 4.3 of 64 bits, and on arm 4.9 and 4.10 – 4.12 with
 * a libuev before 2.4. Those two are told apart by what makes sense as content: see {@link plausibility}.
 */
export function layoutOf(bytes: Uint8Array, architecture: string = process.arch): RecordLayout | undefined {
  const candidates = candidatesOf(architecture).get(bytes.length);
  const first = candidates?.[0];
  if (candidates === undefined || first === undefined) return undefined;
  return candidates.length === 1 ? toLayout(first) : mostPlausible(bytes, candidates.map(toLayout))[0];
}

/** The releases that this record may be of: more than one where the record did not change, or where nothing in it tells. */
export function releasesOf(bytes: Uint8Array, architecture: string = process.arch): string[] {
  const candidates = candidatesOf(architecture).get(bytes.length) ?? [];
  return mostPlausible(bytes, candidates.map(toLayout)).flatMap(({ versions }) => versions);
}

function mostPlausible(bytes: Uint8Array, candidates: readonly RecordLayout[]): readonly RecordLayout[] {
  const scores = candidates.map((layout) => plausibility(bytes, layout));
  const best = Math.max(...scores);
  return candidates.filter((_, i) => scores[i] === best);
}

/**
 * How many of the things that hold for any service hold for a record if it is read in this way.
 *
 * 4.2 and 4.3 differ by 4 bytes from `block` on: read as the other, the job number is the end of `cond` (0 but for conditions of 188
 * characters and more) or the first four letters of `name`. The two of arm differ in the numbers of states, in `notify`, and in what is
 * a timer in the one and the path of the `cleanup:` script in the other; where nothing of that shows, a state may be taken for
 * another one.
 */
function plausibility(bytes: Uint8Array, { fields, states }: RecordLayout): number {
  const job = readNumber(bytes, fields.job);
  const block = readNumber(bytes, fields.block);
  const firstOfName = bytes[fields.name[0]] ?? 0;
  const state = states[readNumber(bytes, fields.state)];
  const hasProcess = readInt32(bytes, fields.pid[0]) > 0;
  const cleanup = fields.cleanup_script ? (bytes[fields.cleanup_script[0]] ?? 0) : 0;
  const notify = fields.notify ? readNumber(bytes, fields.notify) : 0;
  return (
    Number(job > 0 && job < 0x10000) +
    Number(block >= 0 && block <= 6) +
    Number(firstOfName > 0x20) +
    Number(state !== undefined) +
    Number(hasProcess ? !PROCESSLESS.has(state ?? '') : state !== 'running' && state !== 'stopping') +
    Number(cleanup === 0 || (cleanup > 0x20 && cleanup < 0x7f)) +
    Number(notify >= 0 && notify <= 3) +
    // Most services have one, by default; 0 is also what is found in any unused place.
    Number(notify >= 1 && notify <= 3)
  );
}

/** States in which a service has no process. */
const PROCESSLESS = new Set(['halted', 'done', 'dead', 'waiting', 'ready']);

/**
 * How the end of an enumeration is told from a service, for each known record: pairs of record length and offset of `pid`,
 * which is negative in the end marker. In the form that the addon's `burst` wants.
 */
export function endMarkers(architecture: string = process.arch): Uint32Array {
  // Layouts of one length agree on where the pid is.
  return Uint32Array.from(
    [...candidatesOf(architecture)].flatMap(([length, [candidate]]) => [length, candidate?.pidOffset ?? 0]),
  );
}
