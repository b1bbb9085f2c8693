/**
 * How long the service records of the releases are, in bytes. It follows from their layouts (record-struct.ts), and is here so that
 * no record has to be laid out but the one that comes; test/protocol/record-layouts.test.ts compares.
 */

/** Releases that have the same record. */
export const GROUPS: readonly (readonly string[])[] = [
  ['4.2'],
  ['4.3'],
  ['4.4'],
  ['4.5', '4.6', '4.7', '4.8'],
  ['4.9'],
  ['4.10', '4.11', '4.12'],
  ['4.13', '4.14'],
  ['4.15'],
  ['4.16'],
  ['4.17'],
  ['5.0-dev'],
];

export interface RecordLengths {
  /** In the order of {@link GROUPS}. */
  lengths: readonly number[];
  /** Built with a libuev before 2.4: up to 4.14, as finit asks for 2.4.1 from 4.15 on (configure.ac). */
  withOldUev: readonly number[];
  /** Where `pid` is: up to 4.14, and since, with longer cgroup settings before it. */
  pid: readonly [before: number, since415: number];
}

/** By the ABI's name. */
export const LENGTHS: Readonly<Record<string, RecordLengths>> = {
  '64-bit': {
    lengths: [5896, 5896, 6328, 19576, 19584, 19848, 20360, 20912, 20920, 20952, 22072],
    withOldUev: [5768, 5768, 6072, 19320, 19328, 19592, 20104],
    pid: [492, 624],
  },
  armhf: {
    lengths: [5856, 5864, 6256, 19504, 19520, 19776, 20288, 20840, 20848, 20880, 22000],
    withOldUev: [5728, 5736, 6000, 19248, 19264, 19520, 20032],
    pid: [484, 616],
  },
  'armhf-time32': {
    lengths: [5712, 5720, 6104, 19352, 19368, 19624, 20136, 20688, 20696, 20728, 21848],
    withOldUev: [5580, 5584, 5848, 19096, 19108, 19368, 19880],
    pid: [356, 488],
  },
  i386: {
    lengths: [5708, 5712, 6104, 19352, 19364, 19624, 20136, 20688, 20692, 20724, 21848],
    withOldUev: [5580, 5584, 5848, 19096, 19108, 19368, 19880],
    pid: [356, 488],
  },
  'i386-time64': {
    lengths: [5852, 5856, 6256, 19504, 19516, 19776, 20288, 20840, 20844, 20876, 22000],
    withOldUev: [5724, 5728, 6000, 19248, 19260, 19520, 20032],
    pid: [484, 616],
  },
};
