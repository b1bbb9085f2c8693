// The addon's native parts under ASan, UBSan and TSan: by themselves, and ASan + UBSan once more inside Node.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { projectRoot } from '../helpers/project.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const native = join(projectRoot, 'native');
const FLAGS = [
  '-std=c++17',
  '-g',
  // Half the time to compile, and nothing is optimised away.
  '-O0',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fno-omit-frame-pointer',
  '-pthread',
];
const WITHOUT_NODE = ['loop', 'burst', 'datagram', 'notify_socket', 'stream', 'watchdog'];

function scratch(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-san-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

for (const [sanitizer, what] of [
  ['address,undefined', 'memory errors or undefined behaviour'],
  ['thread', 'data races'],
] as const) {
  test(`what of the addon has no Node in it runs without ${what}`, async (t) => {
    t.timeout(180_000);
    const program = join(scratch(t), 'native_test');
    const tests = readdirSync(join(native, 'test')).filter((file) => file.endsWith('.cc'));
    await run('g++', [
      ...FLAGS,
      `-fsanitize=${sanitizer}`,
      '-o',
      program,
      ...tests.map((file) => join(native, 'test', file)),
      ...WITHOUT_NODE.map((file) => join(native, 'addon', `${file}.cc`)),
    ]);
    const { stdout } = await run(program, { env: { ...process.env, UBSAN_OPTIONS: 'halt_on_error=1' } });
    const wanted = tests.flatMap(
      (file) => readFileSync(join(native, 'test', file), 'utf8').match(/^ +TEST\(/gm) ?? [],
    );
    t.true(wanted.length > 20);
    t.is(stdout.match(/^ok /gm)?.length, wanted.length, stdout);
  });
}

test('the whole addon runs in Node without memory errors, in workers that end in the middle of things too', async (t) => {
  t.timeout(180_000);
  const addon = join(scratch(t), 'node_finit.node');
  const sources = readFileSync(join(native, 'addon/sources.txt'), 'utf8').trim().split('\n');
  await run(
    'g++',
    [
      ...FLAGS,
      '-fno-rtti',
      '-fPIC',
      '-shared',
      '-fsanitize=address,undefined',
      '-DNODE_GYP_MODULE_NAME=node_finit',
      `-I${require('node-addon-api').include_dir}`,
      `-I${require('node-api-headers').include_dir}`,
      '-o',
      addon,
      ...sources,
    ],
    { cwd: projectRoot },
  );
  const { stdout: asan } = await run('g++', ['-print-file-name=libasan.so']);
  const { stdout: ubsan } = await run('g++', ['-print-file-name=libubsan.so']);
  const exercise = join(dirname(fileURLToPath(import.meta.url)), 'exercise.js');
  const { stdout } = await run(process.execPath, ['--expose-gc', exercise], {
    env: {
      ...process.env,
      LD_PRELOAD: `${asan.trim()} ${ubsan.trim()}`,
      // Node itself leaks at exit; what the addon leaks is looked for in native_test.
      ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
      NODE_FINIT_ADDON: addon,
    },
  });
  t.is(stdout.trim().split('\n').at(-1), 'done', stdout);
});
