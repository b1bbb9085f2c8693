import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { uptime as machineUptime } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Command, decodeMessage, encodeRequest } from '#src/protocol/control.js';
import {
  dependents,
  findByCondition,
  findByPid,
  get,
  list,
  restart,
  self,
  start,
  stop,
  uptime,
} from '#src/services/index.js';
import { captures } from '../helpers/captures.js';
import { type FakeFinit, startFakeFinit } from '../helpers/fake-finit.js';
import { makeRecord, type Values } from '../helpers/records.js';
import { type CompiledLayout, compiledLayouts } from '../helpers/svc-layouts.js';

const ack = { reply: encodeRequest(Command.ack) };
const nack = { reply: encodeRequest(Command.nack) };
const layout = compiledLayouts.find(
  ({ version, architecture, oldUev }) => version === '4.14' && architecture === process.arch && !oldUev,
) as CompiledLayout;

async function requests(finit: FakeFinit, count: number): Promise<[command: number, data: string][]> {
  const connections = await finit.connections(count);
  return connections.map(({ request }) => {
    const { command, data } = decodeMessage(request);
    return [command, data];
  });
}

for (const [name, action] of Object.entries({ start, stop, restart })) {
  const command = Command[name as 'start' | 'stop' | 'restart'];

  test(`${name}() asks whether the service is there before it orders`, async (t) => {
    await using finit = await startFakeFinit([ack]);
    await action('web:1', { runDir: finit.runDir });
    const expected: [number, string][] = [
      [Command.queryServices, 'web:1'],
      [command, 'web:1'],
    ];
    t.deepEqual(await requests(finit, 2), expected);
  });

  test(`${name}() of several names orders nothing when one is unknown, and names the unknown`, async (t) => {
    await using finit = await startFakeFinit([ack, nack, nack, ack]);
    const long = 'a-name-that-finit-would-cut:1';
    const error = await t.throwsAsync(action(['web', 'nope', long], { runDir: finit.runDir }), {
      code: 'FINIT_UNKNOWN_SERVICE',
    });
    t.true(error?.message.includes(`nope, ${long}.`));
    t.false(error?.message.includes('web'));
    await action('web', { runDir: finit.runDir });
    const commands = (await requests(finit, 5)).map(([number]) => number);
    t.deepEqual(commands, [...Array(4).fill(Command.queryServices), command]);
  });

  test(`${name}() that finit refuses names what was refused`, async (t) => {
    await using finit = await startFakeFinit([ack, ack, ack, nack]);
    await t.throwsAsync(action(['a', 'b'], { runDir: finit.runDir }), {
      code: 'FINIT_REFUSED',
      message: new RegExp(`refused to ${name} b$`),
    });
  });

  test(`${name}() without a name, or with one that finit must not get, is refused before it is sent`, async (t) => {
    for (const names of [[], '', 'two names', ['fine', 'a\0b'], '99999999999999999999'])
      await t.throwsAsync(action(names, { runDir: '/nonexistent' }), { code: 'FINIT_INVALID_ARGUMENT' });
  });
}

test('get() of a name that finit does not have is FINIT_UNKNOWN_SERVICE', async (t) => {
  const end = captures[0]?.end as Buffer;
  await using finit = await startFakeFinit([{ reply: end }]);
  await t.throwsAsync(get('nope', { runDir: finit.runDir }), {
    code: 'FINIT_UNKNOWN_SERVICE',
    message: /nope/,
  });
  await t.throwsAsync(get('', { runDir: finit.runDir }), { code: 'FINIT_INVALID_ARGUMENT' });
});

test('list() gives the services in the order of finit', async (t) => {
  for (const { records, end, expected } of captures) {
    await using finit = await startFakeFinit([{ iterate: true }], [...records, end]);
    const services = await list({ runDir: finit.runDir });
    t.deepEqual(
      services.map(({ name, id }) => [name, id]),
      expected.map(({ name, id }) => [name, id]),
    );
  }
});

test('FINIT_RUN_DIR says which finit is meant, and runDir overrules it', async (t) => {
  await using finit = await startFakeFinit([ack]);
  process.env.FINIT_RUN_DIR = finit.runDir;
  t.teardown(() => delete process.env.FINIT_RUN_DIR);
  await start('web');
  t.is((await requests(finit, 2)).length, 2);
  await t.throwsAsync(start('web', { runDir: '/nonexistent' }), {
    code: 'FINIT_NOT_RUNNING',
    message: /nonexistent/,
  });
});

test('uptime() is that of the process, if there is one', (t) => {
  t.is(uptime({}), undefined);
  const startTime = machineUptime() - 10;
  t.true((uptime({ startTime }) ?? 0) >= 10);
  // Whole seconds: it may be ahead.
  t.is(uptime({ startTime: startTime + 1000 }), 0);
});

/** A fake that lists these, linked as finit's list is. */
const listing = (...services: Values[]) => {
  const records = services.map((values, i) => {
    const record = makeRecord(layout, { type: 1, ...values });
    record.writeBigInt64LE(BigInt(i + 1 < services.length ? (i + 2) * 0x8000 : 0), 0);
    record.writeBigInt64LE(BigInt(i * 0x8000), 8);
    return record;
  });
  return startFakeFinit([{ iterate: true }], [...records, makeRecord(layout, { pid: -1 })]);
};

test('uptime is that of the process, if there is one, and conditions are there with their states', async (t) => {
  const now = Math.ceil(machineUptime());
  await using finit = await listing(
    {
      name: 'old',
      pid: 10,
      start_time: now - 10,
      cond: 'usr/a,usr/b,service/old-rather-long-name-of-a-service/running',
    },
    { name: 'ahead', pid: 11, start_time: now + 1000, cond: 'usr/c' },
    { name: 'down' },
  );
  const { runDir } = finit;
  mkdirSync(join(runDir, 'cond/usr'), { recursive: true });
  mkdirSync(join(runDir, 'cond/service/old-rather-long-name-of-a-service'), { recursive: true });
  writeFileSync(join(runDir, 'cond/reconf'), '7\n');
  writeFileSync(join(runDir, 'cond/usr/a'), '7\n');
  writeFileSync(join(runDir, 'cond/usr/b'), '6\n');
  // finit 4 cuts names after 43 bytes.
  symlinkSync('/var/run/finit/cond/reconf', join(runDir, 'cond/service/old-rather-long-name-of-a-service/r'));
  const [old, ahead, down] = await list({ runDir });
  t.true((old?.uptime ?? 0) >= 10);
  t.deepEqual(old?.conditions, [
    { name: 'usr/a', state: 'on' },
    { name: 'usr/b', state: 'flux' },
    { name: 'service/old-rather-long-name-of-a-service/running', state: 'on' },
  ]);
  // Whole seconds: it may be ahead.
  t.is(ahead?.uptime, 0);
  t.deepEqual(ahead?.conditions, [{ name: 'usr/c', state: 'off' }]);
  t.like(down, { uptime: undefined, conditions: [] });
});

test('findByCondition() gives who asserts a condition, dependents() who needs it', async (t) => {
  await using finit = await listing(
    { name: 'web', cond: 'service/db:1/ready,task/migrate/success' },
    { name: 'db', id: '1', cond: 'task/migrate/success' },
    { name: 'migrate', type: 2 },
    { name: 'old-rather-long-name-of-a-service', id: 'one' },
  );
  const { runDir } = finit;
  const owner = async (condition: string) => (await findByCondition(condition, { runDir }))?.identity;
  t.is(await owner('pid/web'), 'web');
  t.is(await owner('service/db:1/ready'), 'db:1');
  t.is(await owner('service/db/ready'), undefined);
  t.is(await owner('task/migrate/failure'), 'migrate');
  t.is(await owner('run/migrate/success'), undefined);
  t.is(await owner('service/migrate/running'), undefined);
  t.is(await owner('service/old-rather-long-name-of-a-service:o'), 'old-rather-long-name-of-a-service:one');
  t.is(await owner('net/eth0/up'), undefined);
  t.is(await owner('web'), undefined);
  await t.throwsAsync(owner('no such name'), { code: 'FINIT_INVALID_CONDITION' });
  const needing = async (condition: string) =>
    (await dependents(condition, { runDir })).map(({ identity }) => identity);
  t.deepEqual(await needing('task/migrate/success'), ['web', 'db:1']);
  t.deepEqual(await needing('service/db:1/running'), []);
});

test('findByPid() wants a pid; where nothing but the list tells, it finds main processes', async (t) => {
  await using finit = await listing({ name: 'web', pid: 4242 });
  const { runDir } = finit;
  t.is((await findByPid(4242, { runDir }))?.identity, 'web');
  t.is(await findByPid(4243, { runDir }), undefined);
  for (const pid of [0, -1, 1.5, Number.NaN])
    await t.throwsAsync(findByPid(pid, { runDir }), { code: 'FINIT_INVALID_ARGUMENT' });
  await t.throwsAsync(self({ runDir }), { code: 'FINIT_UNKNOWN_SERVICE' });
});
