// Where the rows are measured: a real finit, or the fake, with a number of services.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { recordLayouts } from '../dist/protocol/record-layouts.js';
import { prepareSandbox, startSandbox } from '../dist/sandbox/index.js';
import { list } from '../dist/services/index.js';

const layoutOf = (version) => recordLayouts().find(({ versions }) => versions.includes(version));

/** finit of Debian forky with that many services, all of which run. */
export async function realFinit(services, programs) {
  const stanza = (_, i) =>
    `service name:s${i} notify:none /bin/sleep ${100_000 + i} -- Service number ${i}\n`;
  const boot = (count) =>
    startSandbox({
      suite: 'forky',
      config: { 'bench.conf': Array.from({ length: count }, stanza).join('') },
      mounts: { '/srv/bench': programs.directory },
    });
  // Debian's finit brings one of its own.
  const box = await boot(services - 1);
  const options = { runDir: box.runDir };
  for (;;) {
    const all = await list(options);
    if (all.filter(({ name, state }) => /^s\d+$/.test(name) && state === 'running').length === services - 1)
      break;
    await sleep(100);
  }
  const pidOffset = layoutOf(box.version).fields.pid[0];
  return { box, options, socket: join(box.runDir, 'socket'), pidOffset, end: () => box.kill() };
}

/** The fake, which has a captured record of finit 4.14 that many times. */
export async function fakeFinit(services, programs) {
  const { length, fields } = layoutOf('4.14');
  const capture = join(import.meta.dirname, '../test/fixtures/captures/4.14/records.bin.gz');
  const record = join(programs.directory, 'record');
  writeFileSync(record, gunzipSync(readFileSync(capture)).subarray(0, length));
  const socket = join(programs.directory, 'socket');
  const numbers = [fields.pid[0], fields.name[0], services].map(String);
  const child = spawn(programs.fake, [socket, record, ...numbers], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    options: { runDir: programs.directory },
    socket,
    pidOffset: fields.pid[0],
    async end() {
      child.stdin.end();
      await once(child, 'exit');
      rmSync(socket);
    },
  };
}

/** No finit, but the tree of Debian's packages that hold what notifications and the shim are measured against. */
export async function peers() {
  const packages = ['dumb-init', 'libsystemd-dev', 'runit', 's6', 'tini'];
  const { root } = await prepareSandbox({ suite: 'bookworm', packages });
  const multiarch = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch];
  return { root, packages, lib: join(root, 'usr/lib', multiarch), async end() {} };
}
