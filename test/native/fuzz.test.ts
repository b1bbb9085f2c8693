// The fuzzers of native/fuzz without libFuzzer: their corpora and some ten thousand mutations, the same each time, under ASan and
// UBSan. `npm run fuzz` is the long form, with libFuzzer.

import { isUtf8 } from 'node:buffer';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { parseShimStatus } from '#src/protocol/shim-status.js';
import { projectRoot } from '../helpers/project.js';

const run = promisify(execFile);
const fuzzers = join(projectRoot, 'native/fuzz');
const FLAGS = [
  '-std=gnu17',
  '-g',
  '-O1',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wshadow',
  '-fno-omit-frame-pointer',
];
const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const RUNS = 20_000;

function scratch(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-fuzz-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function compile(dir: string, source: string): Promise<string> {
  const program = join(dir, 'fuzzer');
  await run('cc', [...FLAGS, ...SANITIZE, `-I${fuzzers}`, '-o', program, source, join(fuzzers, 'driver.c')]);
  return program;
}

const names = readdirSync(fuzzers)
  .filter((file) => file.endsWith('_fuzz.c'))
  .map((file) => file.slice(0, -'_fuzz.c'.length));

for (const name of names) {
  test(`${name}: its corpus and ${RUNS} mutations of it break nothing`, async (t) => {
    t.timeout(180_000);
    const dir = scratch(t);
    const program = await compile(dir, join(fuzzers, `${name}_fuzz.c`));
    const corpus = join(fuzzers, 'corpus', name);
    const dictionary = join(fuzzers, 'dict', `${name}.dict`);
    const { stderr } = await run(program, [
      `-runs=${RUNS}`,
      '-seed=1',
      `-artifact_prefix=${dir}/`,
      ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
      corpus,
    ]);
    t.is(stderr, `driver: ${readdirSync(corpus).length} inputs of the corpus, ${RUNS} mutations\n`);
  });
}

test('an input that is read beyond its end, or breaks a rule, fails and is kept', async (t) => {
  t.timeout(180_000);
  const dir = scratch(t);
  const source = join(dir, 'planted.c');
  writeFileSync(
    source,
    `#include "fuzz.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  CHECK(size != 7);
  return size > 2 && memcmp(data, "ab", 2) == 0 && data[size - (data[2] != 'c')] == 'x';
}
`,
  );
  const program = await compile(dir, source);
  const fine = join(dir, 'fine');
  mkdirSync(fine);
  writeFileSync(join(fine, 'seed'), 'abd');
  await t.notThrowsAsync(run(program, [fine]));
  for (const [input, message] of [
    ['abc', /heap-buffer-overflow/],
    ['sevenxx', /does not hold: size != 7/],
  ] as const) {
    writeFileSync(join(dir, 'input'), input);
    const error = await t.throwsAsync<Error & { stderr: string }>(
      run(program, [`-artifact_prefix=${dir}/`, join(dir, 'input')]),
    );
    t.regex(error?.stderr ?? '', message);
    t.is(readFileSync(join(dir, 'crash'), 'utf8'), input);
  }
  // The mutations get there by themselves.
  await t.throwsAsync(run(program, ['-runs=1000000', `-artifact_prefix=${dir}/`, fine]), {
    message: /heap-buffer-overflow|does not hold/,
  });
});

/** Bytes that are not UTF-8 are one U+FFFD each. */
function decoded(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => i + n <= bytes.length && isUtf8(bytes.subarray(i, i + n)));
    text += length ? Buffer.from(bytes.subarray(i, i + length)).toString() : '\ufffd';
    i += length ?? 1;
  }
  return text;
}

const bytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ maxLength }),
    fc.string({ unit: 'binary', maxLength: maxLength / 4 }).map((text) => new Uint8Array(Buffer.from(text))),
    fc.uint8Array({ maxLength, max: 0x22 }),
  );
const line = (maxLength: number) => bytes(maxLength).map((some) => some.filter((byte) => byte !== 0x0a));

test('the status file says to JSON.parse() what the shim meant, whatever bytes that is', async (t) => {
  t.timeout(180_000);
  const dir = scratch(t);
  const program = await compile(dir, join(fuzzers, 'status_json_fuzz.c'));
  const cases = fc.sample(
    fc.record({
      identity: line(200).map((some) => some.filter((byte) => byte !== 0)),
      listen: fc.array(line(118), { maxLength: 32 }),
      status: bytes(1024),
      ready: fc.boolean(),
    }),
    { numRuns: 500, seed: 7 },
  );
  const inputs = join(dir, 'inputs');
  mkdirSync(inputs);
  for (const [i, { identity, listen, status, ready }] of cases.entries())
    writeFileSync(
      join(inputs, String(i).padStart(4, '0')),
      Buffer.concat([
        Buffer.from([1, ready ? 1 : 0, 0, 0, 0, listen.length]),
        ...[identity, ...listen].flatMap((text) => [text, Buffer.from('\n')]),
        status,
      ]),
    );
  const { stdout } = await run(program, ['-print=1', inputs], { maxBuffer: 64 << 20 });
  const lines = stdout.trimEnd().split('\n');
  t.is(lines.length, cases.length);
  for (const [i, { identity, listen, status, ready }] of cases.entries())
    t.like(parseShimStatus(lines[i] ?? ''), {
      identity: decoded(identity),
      listen: listen.map(decoded),
      status: decoded(status),
      ready,
      state: 'ready',
    });
});
