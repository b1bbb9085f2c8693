/**
 * Where the fields of finit's service record are.
 *
 * A record is PID 1's raw `svc_t` (src/svc.h), which differs in nearly every release and by ABI. A message on the control
 * socket keeps its length, and the length tells the layout. To add a version: one entry in LAYOUTS, with the fields that moved.
 */

/** Offset and size, in bytes. */
export type Field = readonly [offset: number, size: number];

/** The fields that are decoded, by finit's names. Sizes of 1, 4 and 8 are numbers where finit has numbers. */
export interface RecordFields {
  file: Field;
  pid: Field;
  pidfile: Field;
  start_time: Field;
  started: Field;
  status: Field;
  state: Field;
  type: Field;
  manual: Field;
  runlevels: Field;
  sighup: Field;
  forking: Field;
  block: Field;
  cond: Field;
  job: Field;
  name: Field;
  id: Field;
  restart_tot: Field;
  restart_max: Field;
  restart_cnt: Field;
  username: Field;
  group: Field;
  cmd: Field;
  /** An array of strings; see `argumentSize`. */
  args: Field;
  desc: Field;
  env: Field;
  notify: Field;
}

/** One layout of the service record. */
export interface RecordLayout {
  /** Length of the record, in bytes. */
  length: number;
  /** The finit releases that have it. */
  versions: readonly string[];
  /** As in `process.arch`. */
  architectures: readonly string[];
  /** Size of one element of `args`. */
  argumentSize: number;
  /** Names of the numbers in `state`, svc_state_t. */
  states: readonly string[];
  /** Names of the numbers in `notify`, svc_notify_t. */
  notifyKinds: readonly string[];
  fields: RecordFields;
}

const states = [
  ...['halted', 'done', 'dead', 'cleanup', 'teardown', 'stopping', 'setup', 'paused', 'waiting', 'starting'],
  'running',
] as const;

const notifyKinds = ['none', 'pid', 'systemd', 's6'] as const;

/** 64-bit, little endian, finit 4.10 … 4.14 as far as they agree: everything before the scripts. */
const lp64 = {
  file: [16, 64],
  pid: [492, 4],
  pidfile: [496, 256],
  start_time: [752, 8],
  started: [760, 4],
  status: [764, 4],
  state: [768, 4],
  type: [772, 4],
  manual: [777, 1],
  runlevels: [792, 4],
  sighup: [796, 4],
  forking: [800, 4],
  block: [804, 4],
  cond: [808, 192],
  job: [1000, 4],
  name: [1004, 64],
  id: [1068, 16],
  restart_tot: [1168, 4],
  restart_max: [1172, 4],
  restart_cnt: [1186, 1],
  username: [1294, 16],
  group: [1310, 16],
  cmd: [1326, 256],
  args: [1582, 16384],
  desc: [18036, 64],
  env: [18100, 256],
} as const satisfies Partial<RecordFields>;

const common = {
  architectures: ['x64', 'arm64'],
  argumentSize: 256,
  states,
  notifyKinds,
};

const LAYOUTS: readonly RecordLayout[] = [
  {
    ...common,
    length: 19848,
    versions: ['4.10', '4.11', '4.12'],
    fields: { ...lp64, notify: [19616, 4] },
  },
  {
    // 4.13 put reload_script and stop_script before the timer.
    ...common,
    length: 20360,
    versions: ['4.13', '4.14'],
    fields: { ...lp64, notify: [20128, 4] },
  },
];

/** The layouts for an architecture: record lengths are unique within one, but not between them. */
export function recordLayouts(architecture: string = process.arch): readonly RecordLayout[] {
  return LAYOUTS.filter((layout) => layout.architectures.includes(architecture));
}

/** The layout that a record of this length has, if it is one we know. */
export function layoutOf(length: number, architecture: string = process.arch): RecordLayout | undefined {
  return recordLayouts(architecture).find((layout) => layout.length === length);
}

/**
 * How the end of an enumeration is told from a service, for each known record: pairs of record length and offset of `pid`,
 * which is negative in the end marker. In the form that the addon's `burst` wants.
 */
export function endMarkers(architecture: string = process.arch): Uint32Array {
  return Uint32Array.from(
    recordLayouts(architecture).flatMap(({ length, fields }) => [length, fields.pid[0]]),
  );
}
