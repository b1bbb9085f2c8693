// Many clients at once, ours and initctl: finit has one iterator for all of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { list } from '#src/services/index.js';
import { eventually, startFinit, suites } from '../helpers/real-finit.js';

const MEMBER = fileURLToPath(new URL('../helpers/crowd-member.js', import.meta.url));
const MEMBERS = 32;
/** For how long, once all of them are at it, in milliseconds. */
const LONG = 3000;

const config = Array.from(
  { length: MEMBERS },
  (_, i) => `service name:s${i} notify:none /bin/sleep ${1000 + i} -- Number ${i}\n`,
).join('');

/** initctl again and again; its own list may well lack entries. */
const LOOP = 'i=0; while [ ! -e /tmp/enough ]; do initctl status >/dev/null && i=$((i+1)); done; echo $i';

for (const suite of suites) {
  test.serial(
    `${MEMBERS} processes list, stop and start beside two loops of initctl on ${suite}`,
    async (t) => {
      t.timeout(120_000);
      await using box = await startFinit(suite, { config: { 'crowd.conf': config } });
      const options = { runDir: box.runDir };
      await eventually(
        async () => (await list(options)).filter(({ pid }) => pid !== undefined).length >= MEMBERS,
      );
      const expected = (await list(options)).map(({ identity }) => identity).join(' ');
      t.is(new Set(expected.split(' ')).size, expected.split(' ').length);

      const loops = [1, 2].map(() => box.exec(['sh', '-c', LOOP]));
      const members = Array.from({ length: MEMBERS }, (_, i) => {
        const child = spawn(process.execPath, [MEMBER, box.runDir, `s${i}`, expected], {
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        return { child, said: text(child.stdout), ended: once(child, 'exit') };
      });
      await sleep(LONG);
      for (const { child } of members) child.stdin.end();
      const results = await Promise.all(
        members.map(async ({ said, ended }) => {
          await ended;
          return JSON.parse(await said) as { lists: number; problems: string[] };
        }),
      );
      await box.writeFile('/tmp/enough', '');
      const counts = (await Promise.all(loops)).map(({ stdout }) => Number(stdout));

      t.deepEqual(
        results.flatMap(({ problems }) => problems),
        [],
      );
      t.true(results.every(({ lists }) => lists > 0));
      t.log(
        `${results.reduce((sum, { lists }) => sum + lists, 0)} lists beside ${counts.join(' and ')} of initctl`,
      );
      t.true(counts.every((count) => count > 0));
      // finit is there, and has all of them up again.
      t.true(box.running);
      t.is((await list(options)).map(({ identity }) => identity).join(' '), expected);
      await eventually(
        async () => (await list(options)).filter(({ state }) => state === 'running').length >= MEMBERS,
      );
    },
  );
}
