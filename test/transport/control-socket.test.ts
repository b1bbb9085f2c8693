import test from 'ava';
import { Command, decodeMessage, encodeRequest } from '#src/protocol/control.js';
import { connect } from '#src/transport/index.js';
import { captures } from '../helpers/captures.js';
import { startFakeFinit } from '../helpers/fake-finit.js';

const ack = encodeRequest(Command.ack);
// On this architecture; records of others are not known here, which would be another error.
const capture = captures[1];
if (capture === undefined) throw new Error('No capture');
const { records, end } = capture;
const list = [...records, end];

test('a request is answered, and the fake PID 1 is at its end of the connection at once', async (t) => {
  await using finit = await startFakeFinit([
    { reply: encodeRequest(Command.ack, { runlevel: 2, sleeptime: 10 }) },
  ]);
  const answer = await connect({ runDir: finit.runDir }).runlevel();
  t.deepEqual(answer, { current: 2, previous: 'S' });
  const [connection] = await finit.connections(1);
  t.is(decodeMessage(connection?.request ?? Buffer.alloc(0)).command, Command.getRunlevel);
  t.true(connection?.end);
});

test('several requests are answered in their order, each on a connection of its own', async (t) => {
  const no = encodeRequest(Command.nack);
  await using finit = await startFakeFinit([{ reply: ack }, { reply: no }, { reply: ack }]);
  const names = ['a', 'b', 'c'];
  t.deepEqual(await connect({ runDir: finit.runDir }).unknownServices(names), ['b']);
  const connections = await finit.connections(3);
  t.deepEqual(
    connections.map(({ request }) => decodeMessage(request).data),
    names,
  );
  t.true(connections.every((connection) => connection.end));
});

test('no requests need no finit', async (t) => {
  t.deepEqual(await connect({ runDir: '/nonexistent' }).unknownServices([]), []);
});

test('a NACK is FINIT_REFUSED, with what finit says', async (t) => {
  await using finit = await startFakeFinit([
    { reply: encodeRequest(Command.nack, { data: 'Kernel does not support suspend to RAM.' }) },
    { reply: encodeRequest(Command.nack, { data: 'web' }) },
  ]);
  const { power } = bound(finit.runDir);
  await t.throwsAsync(power('suspend', 0), { code: 'FINIT_REFUSED', message: /does not support suspend/ });
  await t.throwsAsync(bound(finit.runDir).pluginDependencies('web'), {
    code: 'FINIT_REFUSED',
    message: /no reason/,
  });
});

test('an answer of the wrong length, with the wrong magic, or that is none is FINIT_BAD_REPLY', async (t) => {
  await using finit = await startFakeFinit([
    { reply: new Uint8Array(100) },
    { reply: new Uint8Array(20360) },
    { reply: new Uint8Array(384).fill(1) },
    { reply: encodeRequest(Command.reload) },
    { reply: new Uint8Array(100_000) },
  ]);
  const { reload } = bound(finit.runDir);
  await t.throwsAsync(reload(), { code: 'FINIT_BAD_REPLY', message: /has 100:/ });
  await t.throwsAsync(reload(), { code: 'FINIT_BAD_REPLY', message: /has 20360:/ });
  await t.throwsAsync(reload(), { code: 'FINIT_BAD_REPLY', message: /0x1010101/ });
  await t.throwsAsync(reload(), { code: 'FINIT_BAD_REPLY', message: /ACK or NACK/ });
  await t.throwsAsync(reload(), { code: 'FINIT_BAD_REPLY', message: /longer than any/ });
});

test('a connection that is closed without an answer is FINIT_CONNECTION_LOST', async (t) => {
  await using finit = await startFakeFinit([{ close: true }]);
  await t.throwsAsync(bound(finit.runDir).act('start', ['web']), {
    code: 'FINIT_CONNECTION_LOST',
    message: /start web.*runlevel S.*0 or 6/s,
  });
});

test('a finit that dies in mid-exchange is FINIT_CONNECTION_LOST, and gone afterwards', async (t) => {
  await using finit = await startFakeFinit([{ die: true }]);
  const { runlevel } = bound(finit.runDir);
  await t.throwsAsync(runlevel(), { code: 'FINIT_CONNECTION_LOST' });
  await finit.exited;
  await t.throwsAsync(runlevel(), { code: 'FINIT_NOT_RUNNING', message: /Nobody listens/ });
});

test('a finit that does not answer is FINIT_TIMEOUT, and is let go', async (t) => {
  await using finit = await startFakeFinit([{ silent: true }]);
  await t.throwsAsync(bound(finit.runDir).runlevel({ timeout: 50 }), {
    code: 'FINIT_TIMEOUT',
    message: /getRunlevel.*within 50 ms/,
  });
  const [connection] = await finit.connections(1);
  t.true(connection?.closed);
});

test('an aborted request is FINIT_ABORTED with the reason as its cause, and finit is let go', async (t) => {
  await using finit = await startFakeFinit([{ silent: true }]);
  const controller = new AbortController();
  const reason = new Error('changed my mind');
  setTimeout(() => controller.abort(reason), 50);
  const error = await t.throwsAsync(bound(finit.runDir).runlevel({ signal: controller.signal }), {
    code: 'FINIT_ABORTED',
  });
  t.is(error?.cause, reason);
  const [connection] = await finit.connections(1);
  t.true(connection?.closed);
});

test('what is aborted before it begins is not sent', async (t) => {
  await using finit = await startFakeFinit([{ reply: ack }]);
  const { power, reload } = bound(finit.runDir);
  const signal = AbortSignal.abort('no');
  const error = await t.throwsAsync(power('poweroff', 0, { signal }), { code: 'FINIT_ABORTED' });
  t.is(error?.cause, 'no');
  await reload();
  const [connection] = await finit.connections(1);
  t.is(decodeMessage(connection?.request ?? Buffer.alloc(0)).command, Command.reload);
});

test('an answer that comes too late is not taken for the answer to the next request', async (t) => {
  await using finit = await startFakeFinit([
    { reply: encodeRequest(Command.ack, { runlevel: 9 }), delay: 200 },
    { reply: encodeRequest(Command.ack, { runlevel: 3 }) },
  ]);
  const { runlevel } = bound(finit.runDir);
  await t.throwsAsync(runlevel({ timeout: 50 }), { code: 'FINIT_TIMEOUT' });
  t.is((await runlevel()).current, 3);
});

test('a timeout that is none is refused', async (t) => {
  for (const timeout of [0, -1, Number.NaN, '5' as unknown as number])
    await t.throwsAsync(bound('/nonexistent').reload({ timeout }), {
      code: 'FINIT_INVALID_ARGUMENT',
    });
});

test('a signal that is no AbortSignal is refused', (t) => {
  for (const signal of [{}, null, 'SIGTERM', new AbortController()])
    t.throws(() => connect({ runDir: '/nonexistent', signal: signal as unknown as AbortSignal }), {
      code: 'FINIT_INVALID_ARGUMENT',
      message: /AbortSignal/,
    });
});

test('a service is found, or not', async (t) => {
  await using finit = await startFakeFinit([{ reply: records[0] as Buffer }, { reply: end }]);
  const transport = connect({ runDir: finit.runDir });
  t.is((await transport.findService('sdsvc'))?.identity, 'sdsvc');
  t.is(await transport.findService('nobody'), undefined);
});

test('records of unknown length end in FINIT_UNKNOWN_RECORD, not in guesses', async (t) => {
  await using finit = await startFakeFinit([{ reply: new Uint8Array(20956) }]);
  const transport = connect({ runDir: finit.runDir });
  await t.throwsAsync(transport.findService('web'), { code: 'FINIT_UNKNOWN_RECORD', message: /20956/ });
  await t.throwsAsync(transport.listServices(), { code: 'FINIT_UNKNOWN_RECORD', message: /20956/ });
});

test('a list is what the iterator gives', async (t) => {
  await using finit = await startFakeFinit([{ iterate: true }], list);
  const services = await connect({ runDir: finit.runDir }).listServices();
  t.is(services.length, records.length);
  t.true((await finit.connections(list.length)).every((connection) => connection.end));
});

test('a list that another client has taken entries from is done over', async (t) => {
  await using finit = await startFakeFinit(
    [{ iterate: true }],
    list.toSpliced(7, 1),
    list.toSpliced(1, 3),
    list,
  );
  const services = await connect({ runDir: finit.runDir }).listServices();
  t.is(services.length, records.length);
});

test('of two entries, nothing shows what is missing between them, so three lists have to agree', async (t) => {
  const pair = [records[0] as Buffer, records.at(-1) as Buffer, end];
  await using two = await startFakeFinit([{ iterate: true }], pair);
  t.is((await connect({ runDir: two.runDir }).listServices()).length, 2);
  await using more = await startFakeFinit([{ iterate: true }], pair, pair, list);
  t.is((await connect({ runDir: more.runDir }).listServices()).length, records.length);
});

test('a list that never gets whole is FINIT_BUSY', async (t) => {
  await using finit = await startFakeFinit([{ iterate: true }], list.toSpliced(7, 1));
  await t.throwsAsync(connect({ runDir: finit.runDir }).listServices({ timeout: 2_000 }), {
    code: 'FINIT_BUSY',
    message: /disturbed by others \d+ times.*one iterator/s,
  });
});

test('a list without an end is given up', async (t) => {
  await using finit = await startFakeFinit([{ reply: records[0] as Buffer }]);
  await t.throwsAsync(connect({ runDir: finit.runDir }).listServices({ timeout: 60_000 }), {
    code: 'FINIT_BAD_REPLY',
  });
});

test('a finit that dies during a list is FINIT_CONNECTION_LOST, or FINIT_NOT_RUNNING', async (t) => {
  await using finit = await startFakeFinit([
    ...records.slice(0, 5).map((reply) => ({ reply })),
    { die: true },
  ]);
  const error = (await t.throwsAsync(connect({ runDir: finit.runDir }).listServices())) as { code?: string };
  // Connections are made ahead of the answers: the next may find nobody before the first answer was read.
  t.true(['FINIT_CONNECTION_LOST', 'FINIT_NOT_RUNNING'].includes(error.code ?? ''), error.code);
});

test('lists of one process do not disturb each other', async (t) => {
  await using finit = await startFakeFinit([{ iterate: true }], list);
  const lists = await Promise.all(
    Array.from({ length: 5 }, () => connect({ runDir: finit.runDir }).listServices()),
  );
  t.deepEqual(
    lists.map((services) => services.length),
    Array(5).fill(records.length),
  );
  await connect({ runDir: finit.runDir }).findService('last');
  // Nothing was done over.
  let begun = 0;
  for (;;) {
    const [connection] = await finit.connections(1);
    const { command, runlevel } = decodeMessage(connection?.request ?? Buffer.alloc(0));
    if (command === Command.findService) break;
    begun += runlevel;
  }
  t.is(begun, 5);
});

test('who gives up while waiting for its turn to list leaves the others theirs', async (t) => {
  await using finit = await startFakeFinit([{ silent: true }, { iterate: true }], list);
  const transport = connect({ runDir: finit.runDir });
  const controller = new AbortController();
  const first = transport.listServices({ timeout: 400 });
  const second = transport.listServices({ timeout: 50 });
  const third = transport.listServices({ signal: controller.signal });
  const fourth = transport.listServices();
  controller.abort();
  await t.throwsAsync(third, { code: 'FINIT_ABORTED' });
  await t.throwsAsync(second, { code: 'FINIT_TIMEOUT' });
  await t.throwsAsync(first, { code: 'FINIT_TIMEOUT' });
  t.is((await fourth).length, records.length);
});

function bound(runDir: string) {
  const way = connect({ runDir });
  return {
    reload: way.reload.bind(way),
    runlevel: way.runlevel.bind(way),
    power: way.power.bind(way),
    act: way.act.bind(way),
    pluginDependencies: way.pluginDependencies.bind(way),
  };
}
