/** Whether this process's own Node.js can run in another root. */
import { open, readdir, realpath } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { Tools } from './host.js';
import { run } from './run.js';
import { resolveInRoot } from './tree.js';

const PT_INTERP = 3;

/** The dynamic loader that an ELF file names; undefined for a static or foreign one. */
export async function elfInterpreter(file: string): Promise<string | undefined> {
  const handle = await open(file);
  try {
    const head = Buffer.alloc(64);
    await handle.read(head, 0, 64, 0);
    if (head.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
    const wide = head[4] === 2;
    if ((head[5] === 1) !== (endianness() === 'LE')) return undefined;
    const little = head[5] === 1;
    const number = (data: Buffer, offset: number, bytes: number): number =>
      bytes === 8
        ? Number(little ? data.readBigUInt64LE(offset) : data.readBigUInt64BE(offset))
        : little
          ? data.readUIntLE(offset, bytes)
          : data.readUIntBE(offset, bytes);
    const [start, size, count] = wide
      ? [number(head, 32, 8), number(head, 54, 2), number(head, 56, 2)]
      : [number(head, 28, 4), number(head, 42, 2), number(head, 44, 2)];
    const table = Buffer.alloc(size * count);
    await handle.read(table, 0, table.length, start);
    for (let at = 0; at < table.length; at += size) {
      if (number(table, at, 4) !== PT_INTERP) continue;
      const [offset, length] = wide
        ? [number(table, at + 8, 8), number(table, at + 32, 8)]
        : [number(table, at + 4, 4), number(table, at + 16, 4)];
      const name = Buffer.alloc(Math.min(length, 4096));
      await handle.read(name, 0, name.length, offset);
      return name.toString('latin1').replace(/\0.*$/s, '');
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

/**
 * True when a dynamic loader's list shows every library and every symbol version as found, and found below `root`: the
 * loader also looks into its built-in directories, which are the host's.
 */
export function allLibrariesFound(text: string, root: string): boolean {
  const prefix = root === '/' ? '/' : `${root}/`;
  const paths = [...text.matchAll(/=> (\/\S.*?) \(0x/g)].map((match) => match[1] ?? '');
  return (
    /=>|\/ld-|statically linked/.test(text) &&
    !/not found|error while loading/.test(text) &&
    paths.every((path) => path.startsWith(prefix))
  );
}

/** The directories in `root` where its dynamic loader looks for libraries. */
async function libraryDirs(root: string): Promise<string[]> {
  const dirs = new Set<string>();
  for (const name of ['/usr/lib', '/lib', '/usr/lib64', '/lib64', '/usr/local/lib']) {
    const lib = await resolveInRoot(root, name);
    dirs.add(join(root, lib));
    for (const entry of await readdir(join(root, lib), { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory() && /-linux-/.test(entry.name)) dirs.add(join(root, lib, entry.name));
  }
  return [...dirs];
}

/**
 * True when the program can run in `root`: asked of the root's own dynamic loader, which also compares symbol versions
 * (a Node.js built for a newer C library names its libraries, and still does not start).
 */
export async function runsInRoot(
  tools: Tools,
  root: string,
  program: string = process.execPath,
  signal?: AbortSignal,
): Promise<boolean> {
  const file = await realpath(program);
  const interpreter = await elfInterpreter(file);
  if (interpreter === undefined) return true;
  const loader = join(root, await resolveInRoot(root, interpreter));
  const dirs = await libraryDirs(root);
  const listed = await run(
    tools,
    [loader, '--inhibit-cache', '--library-path', dirs.join(':'), '--list', file],
    {
      signal,
      env: {},
    },
  );
  return listed.code === 0 && allLibrariesFound(listed.stdout + listed.stderr, root);
}
