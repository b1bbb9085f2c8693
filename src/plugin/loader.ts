/**
 * Loads plugin files, TypeScript or JavaScript, wherever they lie.
 *
 * `import … from 'node-finit'` in such a file means the copy that runs the host, the very same modules, although no
 * node_modules may be anywhere near: jiti hands them over as virtual modules. (Its `alias` would evaluate a second copy of them.)
 */
import { readFile, realpath } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { FinitError } from '../errors.js';
import { type Plugin, pluginFault } from './define.js';

const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/**
 * Reads, compiles and evaluates a file, and looks at its default export.
 * @throws {FinitError} `FINIT_PLUGIN`, with `path`
 */
export async function loadPlugin(file: string): Promise<Plugin> {
  const given = resolve(file);
  if (!EXTENSIONS.includes(extname(given)))
    throw loadError(given, `a plugin is a file that ends in ${EXTENSIONS.join(', ')}`);
  const { path, source } = await read(given);
  const exported = await evaluate(path, source);
  const plugin = defaultExport(exported);
  if (plugin === undefined)
    throw loadError(
      path,
      'it has no default export. End it with: export default definePlugin({ name, setup(context) { … } })',
    );
  const fault = pluginFault(plugin);
  if (fault !== undefined)
    throw loadError(
      path,
      `its default export is not a plugin: ${fault}. Make it one with definePlugin() from 'node-finit'`,
    );
  return plugin as Plugin;
}

async function read(file: string): Promise<{ path: string; source: string }> {
  try {
    // As Node does for modules: relative imports start from where the file really is.
    const path = await realpath(file);
    return { path, source: await readFile(path, 'utf8') };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a directory, give the file in it'
          : `cannot be read: ${code}`;
    throw loadError(file, what, cause);
  }
}

async function evaluate(path: string, source: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(path, {
    virtualModules: await ownModules(),
    // The default is a directory in /tmp that any user may have made and filled: not for what root runs.
    fsCache: false,
  });
  try {
    // Not jiti.import(): that tries Node's own import of an .mjs file first and, if that throws, evaluates it once more.
    return await jiti.evalModule(source, {
      id: path,
      filename: path,
      ext: extname(path),
      async: true,
      forceTranspile: true,
    });
  } catch (cause) {
    throw loadError(path, describe(cause), cause);
  }
}

/** This package's public modules by the names that plugins import them by. */
async function ownModules(): Promise<Record<string, unknown>> {
  const modules: Record<string, unknown> = Object.assign(Object.create(null), {
    'node-finit': await import('../index.js'),
    'node-finit/conditions': await import('../conditions/index.js'),
    'node-finit/events': await import('../events/index.js'),
    'node-finit/notify': await import('../notify/index.js'),
    'node-finit/plugin': await import('./index.js'),
    'node-finit/sandbox': await import('../sandbox/index.js'),
    'node-finit/services': await import('../services/index.js'),
    'node-finit/system': await import('../system/index.js'),
  });
  return modules;
}

/** `export default`, or `module.exports`; seen through a `default` that compilers from ESM to CommonJS put in between. */
function defaultExport(exported: unknown): unknown {
  if (typeof exported !== 'object' || exported === null) return exported;
  const isPlugin = (value: unknown): boolean => pluginFault(value) === undefined;
  const { default: outer } = exported as { default?: unknown };
  if (isPlugin(outer)) return outer;
  if (typeof outer === 'object' && outer !== null && 'default' in outer && isPlugin(outer.default))
    return outer.default;
  // jiti gives a module without a default export as its own default. An empty one is none either.
  if (Object.keys(exported).length === 0) return undefined;
  return isSameModule(outer, exported) ? undefined : outer;
}

function isSameModule(one: unknown, other: object): boolean {
  if (one === undefined || one === other) return true;
  return typeof one === 'object' && one !== null && '__esModule' in one;
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${String(cause)} while it was loaded`;
  const { code, message, name } = cause as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND')
    return `an import of it is not there: ${message.split('\n')[0]}. Install it where the plugin lies, or correct the path`;
  const text = message.replaceAll(/\s*\n\s*/g, ' ').trim();
  return /^(\w*Error): /.test(text)
    ? `it does not compile: ${text}`
    : `it threw while it was loaded: ${name}: ${text}`;
}

function loadError(path: string, what: string, cause?: unknown): FinitError {
  return new FinitError('FINIT_PLUGIN', `plugin ${path}: ${what}`, {
    path,
    ...(cause !== undefined && { cause }),
  });
}
