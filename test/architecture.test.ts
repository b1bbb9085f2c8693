// The house's rules of dependency, as docs/architecture.md states them.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';
import { projectRoot } from './helpers/project.js';

const src = join(projectRoot, 'src');

/** Rooms by floor; an import goes down, or stays within its room. */
const floors = [
  [''],
  ['protocol'],
  ['transport'],
  ['notify', 'conditions', 'shim'],
  ['services', 'system', 'cgroups', 'watchdog'],
  ['events', 'sandbox'],
  ['plugin'],
  ['cli'],
];
const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room));
const roomOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');

/** Files at the top that only re-export: they are the roof. */
const roof = new Set(['index.ts']);

const imports = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    [...readFileSync(join(src, file), 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)].map(([, target = '']) => ({
      file,
      target: normalize(join(dirname(file), target)).replace(/\.js$/, '.ts'),
    })),
  );

test('every room is on a floor, and there are imports to look at', (t) => {
  t.deepEqual(
    readdirSync(src, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && floorOf(entry.name) < 0)
      .map(({ name }) => name),
    [],
  );
  t.true(imports.length > 100);
});

test('imports go down the house or stay in their room', (t) => {
  const up = imports.filter(
    ({ file, target }) =>
      !roof.has(file) && roomOf(file) !== roomOf(target) && floorOf(roomOf(target)) >= floorOf(roomOf(file)),
  );
  t.deepEqual(up, []);
});

test('a room is entered by its index, but for protocol, which is a room of functions', (t) => {
  const inside = imports.filter(
    ({ file, target }) =>
      !['', 'protocol', roomOf(file)].includes(roomOf(target)) && !target.endsWith('/index.ts'),
  );
  t.deepEqual(inside, []);
});

test('only native.ts loads the addon', (t) => {
  const loaders = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && /node-gyp-build|\.node['"]/.test(readFileSync(join(src, file), 'utf8')),
  );
  t.deepEqual(loaders, ['native.ts']);
});
