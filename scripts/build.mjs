// Compiles src/ to dist/ and test/ to dist-test/, puts the files that are not TypeScript beside them, and bundles the command line.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-b', 'test'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
cpSync(join(root, 'src'), join(root, 'dist'), {
  recursive: true,
  filter: (name) => !/\.ts$/.test(name),
});

// What `node-finit` starts: a CommonJS file, as Node's loader of ES modules alone, and one file after the other, costs more than all
// that a `node-finit status` does. It has what status needs; other commands that are wanted quickly are in a second one, as what is
// read at each start has its price. Both lie in dist/, so that the package's root is one above them, as for native.js.
const dist = join(root, 'dist');
const bundle = join(dist, 'node-finit.cjs');
const second = './node-finit-more.cjs';
const more = [
  'cond',
  'ident',
  'why',
  'cgroup',
  'service-action',
  'runlevel',
  'log',
  'finit',
  'help',
  'completion',
];
const inSecond = new RegExp(`/(?:${more.join('|')})\\.js$`);
// These stay in dist/cli: there is no hurry, and a plugin gets the same modules as its host.
const apart = /\/(?:conf|conf-list|editor|monitor|watch|wait|power|plugin|sandbox|shim)\.js$/;

/** Turns import() of a command into what is to become of it. */
const commandFiles = {
  name: 'command files',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: apart }, ({ path, kind, resolveDir }) =>
      kind === 'dynamic-import'
        ? { path: `./${relative(dist, join(resolveDir, path))}`, external: true }
        : undefined,
    );
    onResolve({ filter: inSecond }, ({ path, kind, importer }) =>
      kind === 'dynamic-import' && importer !== '<stdin>'
        ? { path: basename(path, '.js'), namespace: 'second' }
        : undefined,
    );
    onResolve({ filter: /-more\.cjs$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /./, namespace: 'second' }, ({ path }) => ({
      contents: `module.exports = require('${second}')['${path}'];`,
    }));
  },
};

/** Leaves these modules where they are: there must be only one of each. */
const shared = {
  name: 'shared modules',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/(?:errors|native)\.js$/ }, ({ path }) => ({
      path: `../${basename(path)}`,
      external: true,
    }));
  },
};

const options = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  minifyWhitespace: true,
  legalComments: 'none',
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "'use strict'; const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
  plugins: [commandFiles],
};
await build({ ...options, entryPoints: [join(dist, 'cli/main.js')], outfile: bundle });
await build({
  ...options,
  stdin: {
    contents: more.map((name) => `export * as '${name}' from './cli/${name}.js';`).join('\n'),
    resolveDir: dist,
  },
  outfile: join(dist, second),
});
// What a service imports at its start, in one file: each module costs it half a millisecond. From the sources, as tsc writes what has changed only.
await build({
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [shared],
  entryPoints: [join(root, 'src/notify/index.ts')],
  outfile: join(dist, 'notify/index.js'),
});
for (const program of [bundle, join(dist, 'cli/main.js')]) chmodSync(program, 0o755);
