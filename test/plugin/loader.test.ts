import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as conditions from '#src/conditions/index.js';
import { FinitError } from '#src/errors.js';
import * as library from '#src/index.js';
import type { PluginContext } from '#src/plugin/index.js';
import { loadPlugin } from '#src/plugin/loader.js';

/** Writes files into a directory of its own, outside of any node_modules; gives the path of the first. */
function write(t: ExecutionContext, files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-plugin-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return join(dir, Object.keys(files)[0] ?? '');
}

/** Loads it and runs its setup with a context that takes what it reports. */
async function reported(file: string): Promise<unknown> {
  const plugin = await loadPlugin(file);
  let value: unknown;
  await plugin.setup({ report: (it: unknown) => (value = it) } as unknown as PluginContext);
  return value;
}

async function failure(t: ExecutionContext, file: string): Promise<FinitError> {
  const error = await t.throwsAsync(loadPlugin(file), { instanceOf: FinitError, code: 'FINIT_PLUGIN' });
  t.true(error.message.includes(file), `the message names ${file}: ${error.message}`);
  return error;
}

const REPORTS = `
export default definePlugin({
  name: 'reports',
  setup(context) {
    (context).report({ FinitError, conditions, all });
  },
});
`;
const ESM = `
import { definePlugin, FinitError } from 'node-finit';
import * as conditions from 'node-finit/conditions';
import * as all from 'node-finit';
${REPORTS}`;
const TYPED = `
import { definePlugin, FinitError, type PluginContext } from 'node-finit';
import * as conditions from 'node-finit/conditions';
import * as all from 'node-finit';
interface Reporting extends PluginContext { report(value: object): void }
enum Colour { Red, Green }
const colour: Colour = Colour.Green;
export default definePlugin({
  name: 'reports' as const,
  setup(context: PluginContext): void {
    (context as Reporting).report({ FinitError, conditions, all, colour } satisfies object);
  },
});
`;
const COMMON = `
const { definePlugin, FinitError } = require('node-finit');
const conditions = require('node-finit/conditions');
const all = require('node-finit');
module.exports = definePlugin({
  name: 'reports',
  setup(context) { context.report({ FinitError, conditions, all }); },
});
`;

for (const [kind, files] of Object.entries({
  'a .ts file with types': { 'plugin.ts': TYPED },
  'an .mts file': { 'plugin.mts': TYPED },
  'a .js file of ES modules without package.json': { 'plugin.js': ESM },
  'a .js file in a package of type module': { 'plugin.js': ESM, 'package.json': '{"type":"module"}' },
  'a .js file of CommonJS': { 'plugin.js': COMMON },
  'an .mjs file': { 'plugin.mjs': ESM },
  'a .cjs file': { 'plugin.cjs': COMMON },
  'a .cts file': { 'plugin.cts': TYPED },
  'a .ts file beside which another copy of this package is installed': {
    'plugin.ts': TYPED,
    'node_modules/node-finit/package.json':
      '{"name":"node-finit","type":"module","exports":{".":"./i.js","./conditions":"./i.js"}}',
    'node_modules/node-finit/i.js': 'throw new Error("the wrong copy");',
  },
  'an .mjs file beside which another copy of this package is installed': {
    'plugin.mjs': ESM,
    'node_modules/node-finit/package.json':
      '{"name":"node-finit","type":"module","exports":{".":"./i.js","./conditions":"./i.js"}}',
    'node_modules/node-finit/i.js': 'throw new Error("the wrong copy");',
  },
}))
  test(`${kind}, far from any node_modules, gets the very modules of the host`, async (t) => {
    const got = (await reported(write(t, files))) as Record<string, Record<string, unknown>>;
    t.is(got.FinitError as unknown, FinitError);
    t.is(got.conditions?.watch, conditions.watch);
    t.is(got.all?.FinitError, library.FinitError);
    t.is((got.all?.conditions as typeof conditions | undefined)?.watch, conditions.watch);
  });

test('every entry point of the package can be imported, and another cannot', async (t) => {
  const names = ['conditions', 'events', 'notify', 'plugin', 'sandbox', 'services', 'system'];
  const imports = names.map((name) => `import * as ${name} from 'node-finit/${name}';`).join('\n');
  const file = write(t, {
    'p.ts': `${imports}\nexport default { name: 'p', setup(c: any) { c.report({ ${names} }); } };`,
  });
  const got = (await reported(file)) as Record<string, object>;
  t.deepEqual(Object.keys(got), names);
  for (const name of names) t.not(Object.keys(got[name] ?? {}).length, 0, name);

  const error = await failure(t, write(t, { 'p.ts': `import 'node-finit/nothing';` }));
  t.regex(error.message, /node-finit\/nothing/);
});

test('a plugin may await at its top level, import other files, and import them while it runs', async (t) => {
  const file = write(t, {
    'plugin.ts': `
      import { readFile } from 'node:fs/promises';
      import { definePlugin } from 'node-finit';
      import { one } from './lib/one.js';
      import { two } from './lib/two.mjs';
      import three from './lib/three.cjs';
      const self = await readFile(new URL(import.meta.url), 'utf8');
      export default definePlugin({
        name: 'p',
        async setup(context) {
          const { four } = await import('./lib/four');
          (context as any).report([self.includes('self.includes'), one, two, three, four]);
        },
      });`,
    'lib/one.ts': `export const one: number = 1;`,
    'lib/two.mjs': `import { FinitError } from 'node-finit'; export const two = FinitError;`,
    'lib/three.cjs': `module.exports = require('node-finit').FinitError;`,
    'lib/four.ts': `import { FinitError } from 'node-finit'; export const four: unknown = FinitError;`,
  });
  t.deepEqual(await reported(file), [true, 1, FinitError, FinitError, FinitError]);
});

test('a helper that two plugins import is one module', async (t) => {
  const first = write(t, {
    'a.ts': `import { next } from './count'; export default { name: 'a', setup(c: any) { c.report(next()); } };`,
    'b.ts': `import { next } from './count'; export default { name: 'b', setup(c: any) { c.report(next()); } };`,
    'count.ts': `let count = 0; export const next = (): number => ++count;`,
  });
  t.is(await reported(first), 1);
  t.is(await reported(join(dirname(first), 'b.ts')), 2);
});

test('a plugin behind a symbolic link imports from where it really lies', async (t) => {
  const file = write(t, {
    'real/p.ts': `import { x } from './x'; export default { name: 'p', setup(c: any) { c.report(x); } };`,
    'real/x.ts': `export const x = 'found';`,
  });
  const link = join(dirname(file), '..', 'enabled.ts');
  symlinkSync(file, link);
  t.is(await reported(link), 'found');
});

test('a plugin is evaluated once, also when it throws', async (t) => {
  for (const extension of ['ts', 'mjs', 'cjs', 'js']) {
    const key = `evaluated-${extension}`;
    const error = await failure(
      t,
      write(t, {
        [`p.${extension}`]: `globalThis['${key}'] = (globalThis['${key}'] ?? 0) + 1; throw new TypeError('on purpose');`,
      }),
    );
    t.is((globalThis as Record<string, unknown>)[key], 1, extension);
    t.regex(error.message, /it threw while it was loaded: TypeError: on purpose/);
    t.true(error.cause instanceof TypeError);
  }
});

test('a syntax error is told with its place', async (t) => {
  for (const extension of ['ts', 'mjs', 'js']) {
    const file = write(t, { [`p.${extension}`]: `const a = 1;\nconst b = = 2;\nexport default a;\n` });
    const error = await failure(t, file);
    t.regex(error.message, /does not compile/);
    t.regex(error.message, /2:1\d/);
  }
});

test('errors carry the line of the TypeScript file', async (t) => {
  const file = write(t, {
    'p.ts': `interface A {\n  a: number;\n}\n\nexport default {\n  name: 'p',\n  setup(): void {\n    throw new Error('here');\n  },\n};\n`,
  });
  const plugin = await loadPlugin(file);
  const error = t.throws(() => void plugin.setup({} as PluginContext));
  t.true(error.stack?.includes(`${file}:8:`), error.stack);
});

test('what cannot be a plugin is refused with the way out', async (t) => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ 'p.ts': `export const plugin = 1;` }, /no default export. End it with: export default definePlugin/],
    [{ 'p.cjs': `exports.a = 1;` }, /not a plugin: it has no name/],
    [{ 'p.ts': `` }, /no default export/],
    [{ 'p.ts': `export default 42;` }, /not a plugin: expected an object .*, got number/],
    [{ 'p.ts': `export default () => {};` }, /expected an object .*, got function/],
    [{ 'p.ts': `export default { name: 'p' };` }, /p has no setup function/],
    [{ 'p.ts': `export default { setup() {} };` }, /it has no name/],
    [{ 'p.ts': `export default { name: 'a b', setup() {} };` }, /"a b" is no name/],
    [
      {
        'p.ts': `import { definePlugin } from 'node-finit'; export default definePlugin({ name: 'p' } as any);`,
      },
      /p has no setup function/,
    ],
    [{ 'p.ts': `import './nowhere';` }, /an import of it is not there: .*nowhere/],
    [{ 'p.ts': `throw 'text';` }, /it threw text/],
    [{ 'p.txt': `` }, /a plugin is a file that ends in \.ts/],
    [{ 'p.ts/x': `` }, /a plugin|directory/],
  ];
  for (const [files, message] of cases) {
    const file = write(t, files).replace(/\/x$/, '');
    t.regex((await failure(t, file)).message, message);
  }
  t.regex((await failure(t, join(tmpdir(), 'node-finit-missing', 'p.ts'))).message, /there is no such file/);
});
