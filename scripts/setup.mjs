// Everything a fresh clone needs before `npm test`, `npm run demo` or `npm run bench`: system tools looked for, dependencies, the addon,
// TypeScript, and finit's Debian packages for the sandbox. Quick when there is nothing to do. Plain Node, no dependencies.
//
//   node scripts/setup.mjs [test|demo|bench|qemu]
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');
const purpose = process.argv[2] ?? 'build';
const NODE_WANTED = [20, 19];
// What the sandboxes are made of, fetched before the tests run side by side.
const SANDBOXES = {
  test: [
    { suite: 'forky' },
    { suite: 'trixie' },
    { suite: 'bookworm' },
    { suite: 'forky', packages: ['jq'] },
    { suite: 'forky', packages: ['nodejs'] },
    { suite: 'forky', packages: ['php-fpm', 'redis-server', 'systemd'] },
    { suite: 'trixie', packages: ['php-fpm', 'redis-server', 'systemd'] },
  ],
  demo: [{ suite: 'forky' }],
  // The second: libsystemd's headers, and the supervisors that finit-shim is measured against; never booted.
  bench: [
    { suite: 'forky' },
    { suite: 'bookworm', packages: ['dumb-init', 'libsystemd-dev', 'runit', 's6', 'tini'] },
  ],
  qemu: [{ suite: 'forky' }],
};

// What is called, what it is for, and the Debian package that brings it.
const BUILD_TOOLS = [
  ['g++', 'compiling the native addon', 'g++'],
  ['cc', 'compiling finit-shim', 'gcc'],
  ['make', 'compiling the native addon', 'make'],
  ['python3', 'node-gyp, which compiles the native addon', 'python3'],
];
// What the bench measures with.
const BENCH_TOOLS = [
  ['gcc', 'the C programs to measure against', 'gcc'],
  ['musl-gcc', 'finit-shim as it is shipped', 'musl-tools'],
  ['taskset', 'measuring on one core', 'util-linux'],
  ['strace', 'seeing for how long finit is held', 'strace'],
];
// What `npm run test:qemu` starts; --no-install-recommends is enough.
const QEMU_TOOLS = [['qemu-system-x86_64', 'a machine with a watchdog', 'qemu-system-x86']];
const SANDBOX_TOOLS = [
  ['apt-get', "fetching finit's Debian packages", 'apt'],
  ['dpkg-deb', 'unpacking them', 'dpkg'],
  ['tar', 'unpacking them', 'tar'],
  ['unshare', 'the sandbox', 'util-linux'],
  ['nsenter', 'the sandbox', 'util-linux'],
  ['setpriv', 'the sandbox', 'util-linux'],
  ['flock', 'the sandbox', 'util-linux'],
  ['mount', 'the sandbox', 'mount'],
];

const say = (text) => process.stderr.write(`${process.stderr.isTTY ? `\x1b[2m${text}\x1b[0m` : text}\n`);

function fail(text) {
  process.stderr.write(`\n${text}\n`);
  process.exit(1);
}

const onPath = (name) =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

function checkMachine() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (process.platform !== 'linux')
    fail(`finit runs on Linux, and so do the tests; this is ${process.platform}.`);
  if (major < NODE_WANTED[0] || (major === NODE_WANTED[0] && minor < NODE_WANTED[1]))
    fail(`Node ${NODE_WANTED.join('.')} or newer is needed; this is ${process.versions.node}.`);
  const tools = [
    ...BUILD_TOOLS,
    ...(purpose in SANDBOXES ? SANDBOX_TOOLS : []),
    ...(purpose === 'bench' ? BENCH_TOOLS : []),
    ...(purpose === 'qemu' ? QEMU_TOOLS : []),
  ];
  const missing = tools.filter(([name]) => !onPath(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, , debian]) => debian))];
  fail(
    `Missing on this machine:\n${missing.map(([name, use]) => `  ${name}  (${use})`).join('\n')}\n\n` +
      `On Debian:\n  apt-get install ${packages.join(' ')}`,
  );
}

function run(command, args, what, env = process.env) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env });
  if (error) fail(`${what} failed: ${error.message}`);
  if (status !== 0) fail(`${what} failed (exit ${status}); what it printed is above.`);
}

// Node's own headers where they were installed with it, so that node-gyp need not download them.
function withHeaders() {
  const prefix = join(dirname(process.execPath), '..');
  if (process.env.npm_config_nodedir || !existsSync(join(prefix, 'include/node/node_api.h')))
    return process.env;
  return { ...process.env, npm_config_nodedir: prefix };
}

function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules/.node-finit-setup');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === `${lock} ${process.versions.modules}`) return;
  say('setup: npm ci');
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], 'npm ci');
  writeFileSync(stamp, `${lock} ${process.versions.modules}`);
}

const newest = (dir) =>
  Math.max(
    ...readdirSync(dir, { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? newest(join(dir, entry.name)) : statSync(join(dir, entry.name)).mtimeMs,
    ),
  );

function buildAddon() {
  const addon = join(root, 'build/Release/node_finit.node');
  const shim = join(root, 'build/Release/finit-shim');
  const sources = Math.max(
    newest(join(root, 'native/addon')),
    newest(join(root, 'native/shim')),
    ...['binding.gyp', 'scripts/build-shim.mjs'].map((file) => statSync(join(root, file)).mtimeMs),
  );
  if ([addon, shim].every((file) => existsSync(file) && statSync(file).mtimeMs > sources)) return;
  say('setup: native addon and finit-shim');
  run(
    process.execPath,
    [join(root, 'node_modules/node-gyp/bin/node-gyp.js'), 'rebuild', '--silent'],
    'node-gyp rebuild',
    withHeaders(),
  );
}

function buildTypeScript() {
  try {
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: ['ignore', 2, 2] });
  } catch {
    fail('The TypeScript build failed; what it printed is above.');
  }
}

async function prepareSandboxes(sandboxes) {
  const { prepareSandbox } = await import(pathToFileURL(join(root, 'dist/sandbox/index.js')).href);
  for (const options of sandboxes) {
    const what = [options.suite, ...(options.packages ?? [])].join(' + ');
    try {
      await prepareSandbox({ ...options, onProgress: (text) => say(`setup: sandbox ${what}: ${text}`) });
    } catch (error) {
      fail(`The sandbox (${what}) cannot be set up: ${error.message}`);
    }
  }
}

checkMachine();
installDependencies();
buildAddon();
buildTypeScript();
if (purpose in SANDBOXES) await prepareSandboxes(SANDBOXES[purpose]);
