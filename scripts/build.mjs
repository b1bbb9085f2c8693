// Compiles src/ to dist/ and test/ to dist-test/, puts the files that are not TypeScript beside them, and bundles the command line.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-b', 'test'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
cpSync(join(root, 'src'), join(root, 'dist'), {
  recursive: true,
  filter: (name) => !/\.ts$/.test(name),
});

// What `node-finit` starts: one CommonJS file, as Node's loader of ES modules alone, and one file after the other, costs more
// than all that a `node-finit status` does. It lies in dist/, so that the package's root is one above it, as for native.js.
const dist = join(root, 'dist');
const bundle = join(dist, 'node-finit.cjs');
// Commands that are worth no hurry are left in dist/cli: what is in the bundle is read at each start. plugin and sandbox have to be:
// a plugin gets the same modules as its host.
const apart = /\/(?:conf|conf-list|editor|monitor|watch|wait|power|plugin|sandbox)\.js$/;
await build({
  entryPoints: [join(dist, 'cli/main.js')],
  outfile: bundle,
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
  plugins: [
    {
      name: 'apart',
      setup({ onResolve }) {
        onResolve({ filter: apart }, ({ path, kind, resolveDir }) => {
          if (kind !== 'dynamic-import') return undefined;
          return { path: `./${relative(dirname(bundle), join(resolveDir, path))}`, external: true };
        });
      },
    },
  ],
});
for (const program of [bundle, join(dist, 'cli/main.js')]) chmodSync(program, 0o755);
