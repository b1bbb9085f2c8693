import test from 'ava';
import { Command, decodeMessage, encodeRequest } from '#src/protocol/control.js';
import { halt, poweroff, reboot, reload, runlevel, setRunlevel } from '#src/system/index.js';
import { startFakeFinit } from '../helpers/fake-finit.js';

const ack = { reply: encodeRequest(Command.ack) };
const nack = { reply: encodeRequest(Command.nack) };
const level = (current: number, previous = 10) => ({
  reply: encodeRequest(Command.ack, { runlevel: current, sleeptime: previous }),
});

test('the runlevel and the one before are told, S by its name', async (t) => {
  await using finit = await startFakeFinit([level(2, 10), level(10, -1), level(6, 2)]);
  t.deepEqual(await runlevel(finit), { current: 2, previous: 'S' });
  t.deepEqual(await runlevel(finit), { current: 'S' });
  t.deepEqual(await runlevel(finit), { current: 6, previous: 2 });
});

test('the bootstrap of 4.2 and 4.3, which is their runlevel 0, is told from going down', async (t) => {
  await using finit = await startFakeFinit([level(0, 0), level(2, 0), level(0, 2)]);
  t.deepEqual(await runlevel(finit), { current: 'S' });
  t.deepEqual(await runlevel(finit), { current: 2 });
  t.deepEqual(await runlevel(finit), { current: 0, previous: 2 });
});

test('a runlevel that does not exist is FINIT_BAD_REPLY', async (t) => {
  await using finit = await startFakeFinit([level(11)]);
  await t.throwsAsync(runlevel(finit), { code: 'FINIT_BAD_REPLY', message: /11/ });
});

test('a runlevel is set by its character', async (t) => {
  await using finit = await startFakeFinit([level(2), ack, level(2), ack]);
  await setRunlevel(3, finit);
  await setRunlevel('S', finit);
  const sent = (await finit.connections(4)).map(({ request }) => decodeMessage(request));
  t.like(sent[1], { command: Command.setRunlevel, runlevel: '3'.charCodeAt(0) });
  t.like(sent[3], { command: Command.setRunlevel, runlevel: 'S'.charCodeAt(0) });
});

test('what is no runlevel is refused before it is sent', async (t) => {
  for (const wrong of [10, -1, 1.5, 'x', '', 's', undefined, null] as never[])
    await t.throwsAsync(setRunlevel(wrong, { runDir: '/nonexistent' }), { code: 'FINIT_INVALID_ARGUMENT' });
});

test('a finit that goes down takes no other runlevel, and is not asked to', async (t) => {
  await using finit = await startFakeFinit([level(0), level(6)]);
  await t.throwsAsync(setRunlevel(3, finit), { code: 'FINIT_REFUSED', message: /going down/ });
  await t.throwsAsync(setRunlevel(3, finit), { code: 'FINIT_REFUSED' });
});

test('reload is asked for, and its loss is an error', async (t) => {
  await using finit = await startFakeFinit([ack, { close: true }]);
  await reload(finit);
  await t.throwsAsync(reload(finit), { code: 'FINIT_CONNECTION_LOST' });
  const [connection] = await finit.connections(1);
  t.is(decodeMessage(connection?.request ?? Buffer.alloc(0)).command, Command.reload);
});

for (const [name, down] of Object.entries({ poweroff, reboot, halt })) {
  const target = name === 'reboot' ? 6 : 0;
  const other = 6 - target;

  test(`${name}() is done when finit says no, as all of 4.x do, or yes`, async (t) => {
    await using finit = await startFakeFinit([nack, ack]);
    await down(finit);
    await down(finit);
    const sent = (await finit.connections(2)).map(({ request }) => decodeMessage(request).command);
    t.deepEqual(sent, Array(2).fill(Command[name as 'poweroff' | 'reboot' | 'halt']));
  });

  test(`${name}() is done when finit is gone instead of an answer`, async (t) => {
    await using finit = await startFakeFinit([{ die: true }]);
    await t.notThrowsAsync(down(finit));
  });

  test(`${name}() is done when finit does not answer because it is already at it`, async (t) => {
    await using finit = await startFakeFinit([{ close: true }, level(target)]);
    await t.notThrowsAsync(down(finit));
  });

  test(`${name}() is an error, and not asked again, when finit goes elsewhere or is not up yet`, async (t) => {
    await using finit = await startFakeFinit([{ close: true }, level(other), { close: true }, level(10)]);
    await t.throwsAsync(down(finit), { code: 'FINIT_REFUSED', message: /already going down/ });
    await t.throwsAsync(down(finit), { code: 'FINIT_CONNECTION_LOST' });
    const sent = (await finit.connections(4)).map(({ request }) => decodeMessage(request).command);
    t.is(sent.filter((command) => command !== Command.getRunlevel).length, 2);
  });

  test(`${name}() of a finit that is not there is FINIT_NOT_RUNNING, of a silent one FINIT_TIMEOUT`, async (t) => {
    await t.throwsAsync(down({ runDir: '/nonexistent' }), { code: 'FINIT_NOT_RUNNING' });
    await using finit = await startFakeFinit([{ silent: true }]);
    await t.throwsAsync(down({ runDir: finit.runDir, timeout: 50 }), { code: 'FINIT_TIMEOUT' });
  });
}
