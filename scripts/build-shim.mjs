// Builds finit-shim: static, linked against musl where musl-gcc is, else against the libc that cc has, else not static. Plain Node,
// no dependencies: it runs when the package is installed where there is no prebuilt one.
//
//   node scripts/build-shim.mjs [FILE]      default: build/Release/finit-shim
//   node scripts/build-shim.mjs --prebuild  prebuilds/linux-ARCH/finit-shim; musl-gcc is a must
//
// CC, CFLAGS and LDFLAGS of the environment count; with CC it is that compiler and no other.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const prebuild = process.argv[2] === '--prebuild';
const target = prebuild
  ? join(root, `prebuilds/linux-${process.arch}/finit-shim`)
  : (process.argv[2] ?? join(root, 'build/Release/finit-shim'));

if (process.platform !== 'linux') {
  process.stderr.write(`finit-shim: finit runs on Linux, this is ${process.platform}: not built\n`);
  process.exit(prebuild ? 1 : 0);
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const sources = readFileSync(join(root, 'native/shim/sources.txt'), 'utf8')
  .trim()
  .split('\n')
  .map((file) => join(root, 'native/shim', file));
const words = (text) => (text ?? '').split(/\s+/).filter(Boolean);
const flags = [
  '-std=gnu17',
  '-Os',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  `-DSHIM_VERSION="${version}"`,
  // Its size is what it costs each service: no tables for exceptions, nothing that is not called, one page less for relocations.
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
  ...words(process.env.CFLAGS),
  '-Wl,--gc-sections',
  '-Wl,-z,norelro',
  '-s',
  ...words(process.env.LDFLAGS),
];

const [cc, ...ccArguments] = words(process.env.CC);
const ways = cc
  ? [
      [cc, [...ccArguments, '-static']],
      [cc, ccArguments],
    ]
  : [
      ['musl-gcc', ['-static']],
      ['cc', ['-static']],
      ['cc', []],
    ];

mkdirSync(dirname(target), { recursive: true });
// Renamed into its place: a shim that runs keeps its own.
const temporary = `${target}.${process.pid}`;
let printed = '';
for (const [compiler, more] of prebuild ? ways.slice(0, 1) : ways) {
  const { status, error, stderr } = spawnSync(compiler, [...more, ...flags, ...sources, '-o', temporary], {
    encoding: 'utf8',
  });
  if (status === 0) {
    if (stderr) process.stderr.write(stderr);
    renameSync(temporary, target);
    process.stderr.write(`finit-shim: built with ${[compiler, ...more].join(' ')}\n`);
    process.exit(0);
  }
  rmSync(temporary, { force: true });
  printed += `${[compiler, ...more].join(' ')}: ${error?.code === 'ENOENT' ? 'is not there' : (stderr ?? error?.message)}\n`;
}
process.stderr.write(
  `${printed}finit-shim was not built: a C compiler for Linux is needed (Debian: gcc, musl-tools).\n`,
);
process.exit(1);
