// Runs the fuzzers of native/fuzz with libFuzzer, ASan and UBSan: with this machine's clang, and where that has no libFuzzer with
// Debian's in a sandbox (90 MB of packages the first time). What is found goes to build-fuzz/: NAME/ the inputs that reach something
// new, where the next run goes on from; NAME-crash-… what failed.
//
//   npm run fuzz                              two minutes for each
//   npm run fuzz -- --seconds 3600 message
//   npm run fuzz -- --runs 50000              so many inputs each, from the same seed, as CI does
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const sources = join(root, 'native/fuzz');
const kept = join(root, 'build-fuzz');
const all = readdirSync(sources)
  .filter((file) => file.endsWith('_fuzz.c'))
  .map((file) => file.slice(0, -'_fuzz.c'.length));
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
const SANITIZE = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];
const BOX = { suite: 'bookworm', packages: ['clang', 'libclang-rt-14-dev', 'libc6-dev'] };

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    runs: { type: 'string' },
    sandbox: { type: 'boolean' },
  },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : all;
for (const name of names) {
  if (all.includes(name)) continue;
  console.error(`There is no fuzzer "${name}"; there are ${all.join(', ')}.`);
  process.exit(2);
}

/** Runs a program here. */
function runHere([command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** This machine, if its clang has libFuzzer. */
async function here() {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-fuzz-'));
  const probe = join(dir, 'probe.c');
  writeFileSync(probe, 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return !d && n; }\n');
  const { code } = await runHere(['clang', ...SANITIZE, '-o', join(dir, 'probe'), probe]);
  const close = async () => rmSync(dir, { recursive: true, force: true });
  if (code !== 0) return close();
  return {
    what: 'clang of this machine',
    run: runHere,
    native: join(root, 'native'),
    kept,
    dir,
    outside: dir,
    close,
  };
}

/** A sandbox with Debian's clang. */
async function inSandbox() {
  const { prepareSandbox, startSandbox } = await import('../dist/sandbox/index.js');
  await prepareSandbox({ ...BOX, onProgress: (text) => console.log(`sandbox: ${text}`) });
  const box = await startSandbox({
    ...BOX,
    node: false,
    mounts: { '/src/native': join(root, 'native'), '/src/kept': kept },
  });
  const run = async (argv) => {
    const { code, stdout, stderr } = await box.exec(argv);
    return { code, output: stdout + stderr };
  };
  const close = () => box.kill();
  return {
    what: "Debian's clang in a sandbox",
    run,
    native: '/src/native',
    kept: '/src/kept',
    dir: '/tmp',
    outside: join(box.root, 'tmp'),
    close,
  };
}

/** True when nothing was found that should not be. */
async function fuzz(place, name) {
  const program = join(place.dir, `${name}_fuzz`);
  const fresh = join(place.outside, `${name}-new`);
  mkdirSync(fresh);
  const built = await place.run([
    'clang',
    ...FLAGS,
    ...SANITIZE,
    '-o',
    program,
    join(place.native, `fuzz/${name}_fuzz.c`),
  ]);
  if (built.code !== 0) {
    console.error(`${name} does not compile:\n${built.output}`);
    return false;
  }
  const dictionary = `fuzz/dict/${name}.dict`;
  const { code, output } = await place.run([
    program,
    ...(values.runs ? [`-runs=${values.runs}`, '-seed=1'] : [`-max_total_time=${values.seconds}`]),
    '-print_final_stats=1',
    '-timeout=10',
    `-artifact_prefix=${join(place.dir, `${name}-`)}`,
    ...(existsSync(join(root, 'native', dictionary)) ? [`-dict=${join(place.native, dictionary)}`] : []),
    join(place.dir, `${name}-new`),
    // A bounded run is the same each time.
    ...(values.runs ? [] : [join(place.kept, name)]),
    join(place.native, `fuzz/corpus/${name}`),
  ]);
  const runs = /stat::number_of_executed_units:\s+([0-9]+)/.exec(output)?.[1];
  const found = readdirSync(fresh);
  if (!values.runs) cpSync(fresh, join(kept, name), { recursive: true });
  console.log(`${name}: ${runs ?? '?'} runs, ${found.length} inputs that reach something new`);
  if (code === 0) return true;
  console.error(output.split('\n').slice(-80).join('\n'));
  for (const file of readdirSync(place.outside).filter(
    (entry) => entry.startsWith(`${name}-`) && !entry.endsWith('-new'),
  )) {
    cpSync(join(place.outside, file), join(kept, file));
    console.error(`\n${name} FAILED; the input is build-fuzz/${file}. To see it again:
  gcc ${FLAGS.filter((flag) => !flag.startsWith('-W')).join(' ')} -fsanitize=address,undefined -o /tmp/${name}_fuzz \\
    native/fuzz/${name}_fuzz.c native/fuzz/driver.c && /tmp/${name}_fuzz build-fuzz/${file}`);
  }
  return false;
}

for (const name of names) mkdirSync(join(kept, name), { recursive: true });
const place = (values.sandbox ? undefined : await here()) ?? (await inSandbox());
console.log(`With ${place.what}: ${names.join(', ')}`);
let failed = 0;
try {
  const left = [...names];
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      if (!(await fuzz(place, name))) failed++;
  };
  await Promise.all([worker(), worker()]);
} finally {
  await place.close();
}
process.exitCode = failed === 0 ? 0 : 1;
