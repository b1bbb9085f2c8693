/**
 * finit's service record, `struct svc` of src/svc.h, as it was from release to release, and where a C compiler puts its members.
 *
 * The members are declared once, with the releases that have them; offsets follow from the sizes that an ABI has for the few
 * types that are not the same everywhere. test/protocol/record-layouts.test.ts compares the outcome with what compilers did.
 */

/** Every release that has a record of its own, or may have. */
export const VERSIONS = [
  ...[
    '4.2',
    '4.3',
    '4.4',
    '4.5',
    '4.6',
    '4.7',
    '4.8',
    '4.9',
    '4.10',
    '4.11',
    '4.12',
    '4.13',
    '4.14',
    '4.15',
    '4.16',
  ],
  ...['4.17', '5.0-dev'],
] as const;

/** Offset and size, in bytes. Of an array, the third is the size of one element. */
export type Field = readonly [offset: number, size: number, element?: number];

/** What C compilers disagree about: sizes and alignments in bytes. */
export interface Abi {
  /** The ABI's name, for people. */
  name: string;
  /** Of a pointer and a `long`: size and alignment. */
  word: number;
  /** Of `rlim_t`. */
  rlim: readonly [size: number, alignment: number];
  /** Of `time_t`; a timespec is as large as two of them. */
  time: readonly [size: number, alignment: number];
  /** Of libuev's `uev_t`, from libuev 2.4 on, which added a siginfo to it. */
  uev: readonly [size: number, alignment: number];
  /** Of the `uev_t` before that. */
  oldUev: readonly [size: number, alignment: number];
}

const lp64: Abi = { name: '64-bit', word: 8, rlim: [8, 8], time: [8, 8], uev: [208, 8], oldUev: [80, 8] };

/**
 * The ABIs that finit may be built for on an architecture, in the words of `process.arch`; musl's are the same as glibc's.
 * A time64 build has a rlim_t of 64 bits, too. 64-bit numbers are aligned to 8 bytes on arm, to 4 on i386.
 */
export const ABIS: Readonly<Record<string, readonly Abi[]>> = {
  x64: [lp64],
  arm64: [lp64],
  arm: [
    { name: 'armhf', word: 4, rlim: [8, 8], time: [8, 8], uev: [184, 8], oldUev: [56, 8] },
    { name: 'armhf-time32', word: 4, rlim: [4, 4], time: [4, 4], uev: [176, 8], oldUev: [48, 4] },
  ],
  ia32: [
    { name: 'i386', word: 4, rlim: [4, 4], time: [4, 4], uev: [176, 4], oldUev: [48, 4] },
    { name: 'i386-time64', word: 4, rlim: [8, 4], time: [8, 4], uev: [184, 4], oldUev: [56, 4] },
  ],
};

/** A number is a text of so many bytes, a pair an array of so many texts of so many bytes. */
type Type =
  | 'char'
  | 'int'
  | 'long'
  | 'pointers'
  | 'rlimits'
  | 'uev'
  | 'timespec'
  | number
  | readonly [number, number];
type Member = readonly [name: string, type: Type, since?: string, last?: string];

const MEMBERS: readonly Member[] = [
  ['link', 'pointers'],
  ['file', 64],
  ['rlimit', 'rlimits'],
  ['cgroup.name', 16],
  ['cgroup.cfg', 128],
  ['cgroup.leafname', 128, '4.15'],
  ['cgroup.delegate', 'char', '4.15'],
  ['sighalt', 'int'],
  ['killdelay', 'int'],
  ['oldpid', 'int'],
  ['pid', 'int'],
  ['pidfile', 256],
  ['start_time', 'long'],
  ['started', 'int'],
  ['status', 'int'],
  ['state', 'int'],
  ['type', 'int'],
  ['protect', 'int', '4.2', '4.3'],
  ['protect', 'char', '4.4'],
  ['manual', 'char', '4.4'],
  ['remain', 'char', '4.16'],
  ['nowarn', 'char', '4.4'],
  ['dirty', 'int'],
  ['removed', 'int'],
  ['starting', 'int'],
  ['runlevels', 'int'],
  ['sighup', 'int'],
  ['flux_reload', 'int', '4.16'],
  ['forking', 'int', '4.3'],
  ['block', 'int'],
  ['cond', 192],
  ['provides', [4, 192], '5.0-dev'],
  ['num_provides', 'int', '5.0-dev'],
  ['job', 'int'],
  ['name', 64],
  ['id', 16, '4.2', '4.14'],
  ['id', 65, '4.15'],
  ['ifstmt', 81, '4.4', '4.14'],
  ['ifstmt', 130, '4.15'],
  ['once', 'char'],
  ['restart_tot', 'int'],
  ['restart_max', 'char', '4.2', '4.3'],
  ['restart_max', 'int', '4.4'],
  ['restart_saved', 'int', '4.4'],
  ['restart_tmo', 'int'],
  ['oncrash_action', 'char'],
  ['respawn', 'char'],
  ['restart_cnt', 'char'],
  // A union with TTY_MEMBERS, which is never the larger one.
  ['log.enabled', 'char'],
  ['log.null', 'char'],
  ['log.console', 'char'],
  ['log.file', 64],
  ['log.prio', 20],
  ['log.ident', 20],
  ['log.ctty', 32, '4.17'],
  ['username', 16],
  ['group', 16],
  ['supgroups', [4, 16], '4.15'],
  ['num_supgroups', 'int', '4.15'],
  ['capabilities', 256, '4.15'],
  ['runtime_dir', 64, '5.0-dev'],
  ['state_dir', 64, '5.0-dev'],
  ['cache_dir', 64, '5.0-dev'],
  ['logs_dir', 64, '5.0-dev'],
  ['config_dir', 64, '5.0-dev'],
  ['dir_mode.0', 'int', '5.0-dev'],
  ['dir_mode.1', 'int', '5.0-dev'],
  ['dir_mode.2', 'int', '5.0-dev'],
  ['dir_mode.3', 'int', '5.0-dev'],
  ['dir_mode.4', 'int', '5.0-dev'],
  ['dir_preserve', 'char', '5.0-dev'],
  ['cmd', 64, '4.2', '4.4'],
  ['cmd', 256, '4.5'],
  ['args', [64, 64], '4.2', '4.4'],
  ['args', [64, 256], '4.5'],
  ['args_dirty', 'int'],
  ['conflict', 64, '4.4'],
  ['desc', 64],
  ['env', 64, '4.2', '4.4'],
  ['env', 256, '4.5'],
  ['pre_script', 64, '4.2', '4.4'],
  ['pre_script', 256, '4.5'],
  ['pre_tmo', 'int', '4.9'],
  ['post_script', 64, '4.2', '4.4'],
  ['post_script', 256, '4.5'],
  ['post_tmo', 'int', '4.9'],
  ['ready_script', 64, '4.4', '4.4'],
  ['ready_script', 256, '4.5'],
  ['ready_tmo', 'int', '4.9'],
  ['cleanup_script', 256, '4.10'],
  ['cleanup_tmo', 'int', '4.10'],
  ['reload_script', 256, '4.13'],
  ['reload_tmo', 'int', '5.0-dev'],
  ['stop_script', 256, '4.13'],
  ['stop_tmo', 'int', '5.0-dev'],
  ['timer', 'uev'],
  ['timer_cb', 'long'],
  ['notify', 'int', '4.4'],
  ['notify_watcher', 'uev', '4.4'],
  ['gc', 'timespec'],
];

/** Of a tty, in the place of `log`; all of alignment 1. */
const TTY_MEMBERS: readonly (readonly [name: string, size: number])[] = [
  ['dev', 32],
  ['baud', 10],
  ['term', 10],
  ['noclear', 1],
  ['nowait', 1],
  ['nologin', 1],
  ['notty', 1],
  ['rescue', 1],
];

const RLIMITS = 16;

/** A release's record: its length and where its members are. */
export interface Struct {
  length: number;
  fields: Map<string, Field>;
}

/**
 * Lays the record out.
 * @param version one of {@link VERSIONS}
 * @param oldUev built with a libuev before 2.4
 */
export function layOut(version: string, abi: Abi, oldUev: boolean): Struct {
  const release = releaseOf(version);
  const fields = new Map<string, Field>();
  let offset = 0;
  let widest = 1;
  for (const [name, type, since, last] of MEMBERS) {
    if (
      (since !== undefined && release < releaseOf(since)) ||
      (last !== undefined && release > releaseOf(last))
    )
      continue;
    const [size, alignment] = measure(type, abi, oldUev);
    offset = alignUp(offset, alignment);
    fields.set(name, typeof type === 'object' ? [offset, size, type[1]] : [offset, size]);
    if (name === 'log.enabled') {
      let at = offset;
      for (const [ttyName, ttySize] of TTY_MEMBERS) {
        fields.set(ttyName, [at, ttySize]);
        at += ttySize;
      }
    }
    offset += size;
    widest = Math.max(widest, alignment);
  }
  return { length: alignUp(offset, widest), fields };
}

function measure(type: Type, abi: Abi, oldUev: boolean): readonly [size: number, alignment: number] {
  if (typeof type === 'number') return [type, 1];
  if (typeof type === 'object') return [type[0] * type[1], 1];
  if (type === 'char') return [1, 1];
  if (type === 'int') return [4, 4];
  if (type === 'long') return [abi.word, abi.word];
  if (type === 'pointers') return [2 * abi.word, abi.word];
  if (type === 'rlimits') return [RLIMITS * 2 * abi.rlim[0], abi.rlim[1]];
  if (type === 'uev') return oldUev ? abi.oldUev : abi.uev;
  return [2 * abi.time[0], abi.time[1]];
}

const releases: ReadonlyMap<string, number> = new Map(VERSIONS.map((version, i) => [version, i]));

/** A release as a number that grows from one to the next; -1 for none of {@link VERSIONS}. */
export function releaseOf(version: string): number {
  return releases.get(version) ?? -1;
}

/** Alignments are powers of two. */
function alignUp(offset: number, alignment: number): number {
  return (offset + alignment - 1) & -alignment;
}

/** Size of a pointer on an architecture (as in `process.arch`), in bytes; all its ABIs agree. */
export function pointerSizeOf(architecture: string): number {
  return ABIS[architecture]?.[0]?.word ?? 8;
}
