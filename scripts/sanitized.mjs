// Runs the shim's tests with a finit-shim built with ASan and UBSan. A report fails the run, also where the test that it came from is
// content: reports go to files, and there have to be none.
//
//   npm run test:sanitized [-- TEST-FILE...]     files of dist-test; default: all of dist-test/shim
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dir = mkdtempSync(join(tmpdir(), 'node-finit-sanitized-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
// --user is another user.
chmodSync(dir, 0o777);

// The shim ends by _exit(): leaks are not looked for, and what allocates nothing (test/native/shim.test.ts) has none.
const options = `log_path=${join(dir, 'report')}`;
const env = {
  ...process.env,
  ASAN_OPTIONS: `${options}:detect_stack_use_after_return=1:strict_string_checks=1`,
  UBSAN_OPTIONS: `${options}:print_stacktrace=1`,
};
const reports = () => readdirSync(dir).filter((name) => name.startsWith('report.'));

function compile(program, files) {
  const flags = ['-std=gnu17', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-fno-omit-frame-pointer'];
  // gcc's shared UBSan, next to ASan, does not know log_path.
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-static-libubsan'];
  const { status } = spawnSync('cc', [...flags, ...sanitize, '-o', program, ...files], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

// First, that faults do leave reports here.
const probe = join(dir, 'probe');
for (const [fault, what] of [
  ['0x7fffffff + count', 'UBSan'],
  ['((volatile char *)&count)[3 + count]', 'ASan'],
]) {
  writeFileSync(`${probe}.c`, `int main(int count, char **texts) { return (${fault}) + !texts; }\n`);
  compile(probe, [`${probe}.c`]);
  spawnSync(probe, { env });
  const [report] = reports();
  if (!report) {
    console.error(`A fault that ${what} sees has left no report: this run would see nothing.`);
    process.exit(1);
  }
  rmSync(join(dir, report));
}

const shim = join(dir, 'finit-shim');
const sources = readFileSync(join(root, 'native/shim/sources.txt'), 'utf8').trim().split('\n');
compile(
  shim,
  sources.map((file) => join(root, 'native/shim', file)),
);
const tests = process.argv.length > 2 ? process.argv.slice(2) : ['dist-test/shim/*.test.js'];
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/ava/entrypoints/cli.mjs'), ...tests],
  {
    cwd: root,
    env: { ...env, NODE_FINIT_SHIM: shim },
    stdio: 'inherit',
  },
);
for (const name of reports()) console.error(`\n${readFileSync(join(dir, name), 'utf8')}`);
console.error(`sanitized: ${reports().length === 0 ? 'no' : reports().length} reports`);
process.exitCode = status !== 0 || reports().length > 0 ? 1 : 0;
