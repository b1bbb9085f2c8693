import { uptime as machineUptime } from 'node:os';
import test from 'ava';
import { Command, decodeMessage, encodeRequest } from '#src/protocol/control.js';
import { get, list, restart, start, stop, uptime } from '#src/services/index.js';
import { captures } from '../helpers/captures.js';
import { type FakeFinit, startFakeFinit } from '../helpers/fake-finit.js';

const ack = { reply: encodeRequest(Command.ack) };
const nack = { reply: encodeRequest(Command.nack) };

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
