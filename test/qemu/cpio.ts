/** A cpio archive ("newc"), which is what the kernel unpacks into its first root: linux's Documentation/driver-api/early-userspace. */
import { createReadStream, createWriteStream, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What goes into the archive, all of it root's. */
export type Entry =
  | { name: string; mode: number; content: string }
  /** As it lies on this machine. */
  | { name: string; from: string };

const TYPES = 0o170000;
const DIRECTORY = 0o040000;
const FILE = 0o100000;
const LINK = 0o120000;

/** A folder and all that is in it, below `name` in the archive. */
export function* tree(from: string, name: string): Generator<Entry> {
  yield { name, from };
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(name, entry.name)];
    if (entry.isDirectory()) yield* tree(source, target);
    else if (entry.isFile() || entry.isSymbolicLink()) yield { name: target, from: source };
  }
}

/** The folders above a file, which the kernel does not make by itself. */
export function* foldersOf(name: string): Generator<Entry> {
  const parts = name.split('/').slice(0, -1);
  for (const [index] of parts.entries())
    yield { name: parts.slice(0, index + 1).join('/'), mode: DIRECTORY | 0o755, content: '' };
}

/** A file that is made here. */
export const file = (name: string, content: string, mode = 0o644): Entry => ({
  name,
  mode: FILE | mode,
  content,
});

/** A symbolic link. */
export const link = (name: string, target: string): Entry => ({ name, mode: LINK | 0o777, content: target });

/** Of entries with the same name the kernel takes the last. */
export async function writeCpio(path: string, entries: Iterable<Entry>): Promise<void> {
  await pipeline(Readable.from(bytes(entries)), createWriteStream(path));
}

async function* bytes(entries: Iterable<Entry>): AsyncGenerator<Buffer> {
  let inode = 1;
  for (const entry of entries) {
    if ('content' in entry) {
      const content = Buffer.from(entry.content);
      yield header(entry.name, inode++, entry.mode, content.length);
      yield padded(content);
      continue;
    }
    const { mode, size } = lstatSync(entry.from);
    if ((mode & TYPES) === FILE) {
      yield header(entry.name, inode++, mode, size);
      for await (const chunk of createReadStream(entry.from)) yield chunk;
      yield Buffer.alloc(-size & 3);
    } else {
      const content = Buffer.from((mode & TYPES) === LINK ? readlinkSync(entry.from) : '');
      yield header(entry.name, inode++, mode, content.length);
      yield padded(content);
    }
  }
  yield header('TRAILER!!!', 0, 0, 0);
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc(-content.length & 3)]);

function header(name: string, inode: number, mode: number, size: number): Buffer {
  // Owner, group; one link; no time; device and special device; a checksum that is not used.
  const numbers = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const fields = numbers.map((number) => number.toString(16).padStart(8, '0'));
  return padded(Buffer.from(`070701${fields.join('')}${name}\0`));
}
