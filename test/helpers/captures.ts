/**
 * What running finits answered, with `initctl status NAME`'s words beside it: test/fixtures/captures/<version>/.
 *
 * `records.bin.gz` has the answers to SVC_ITER back to back, the end marker last; `expected.ndjson` the fields of each as a C
 * program compiled with that finit's headers read them, and what initctl said of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { projectRoot } from './project.js';

/** A field of svc_t is a number or text; an array, `args` with the command first, ends at its last element with something in it. */
export interface ExpectedRecord extends Record<string, unknown> {
  name: string;
  id: string;
  args: string[];
  /** Lines of `initctl -p status NAME`, up to the runlevels. */
  initctl: string[];
  /** What `initctl -j status NAME` printed: as text where it is not valid JSON. Absent for 4.2, which has no JSON. */
  json?: Record<string, unknown> | string;
}

export interface Capture {
  version: string;
  length: number;
  records: Buffer[];
  end: Buffer;
  expected: ExpectedRecord[];
}

const folder = join(projectRoot, 'test/fixtures/captures');

function load(version: string, length: number): Capture {
  const bytes = gunzipSync(readFileSync(join(folder, version, 'records.bin.gz')));
  const all = Array.from({ length: bytes.length / length }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  );
  const lines = readFileSync(join(folder, version, 'expected.ndjson'), 'utf8')
    .trim()
    .split('\n');
  const end = all.pop();
  if (end === undefined) throw new Error(`No records for ${version}`);
  return { version, length, records: all, end, expected: lines.map((line) => JSON.parse(line)) };
}

export const captures: readonly Capture[] = [
  load('4.2', 5896),
  load('4.12', 19848),
  load('4.14', 20360),
  load('4.17', 20952),
  load('5.0-dev', 22072),
];
