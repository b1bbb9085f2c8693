// Reasons found in services made up: what real finits say is in test/integration/explain.test.ts.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { filesOf, resolveBelow } from '#src/services/finit-files.js';
import { type Explanation, explain, formatExplanation, type Reason } from '#src/services/index.js';
import { explainAmong, type World } from '#src/services/reasons.js';
import type { Service } from '#src/services/service.js';
import { durationWords } from '#src/services/words.js';

const states = [
  'halted',
  'missing',
  'crashed',
  'stopped',
  'busy',
  'restart',
  'conflict',
  'done',
  'failed',
  'dead',
  'cleanup',
  'teardown',
  'stopping',
  'active',
  'setup',
  'paused',
  'waiting',
  'starting',
  'running',
  'unknown',
] as const;

function service(name: string, members: Partial<Service>): Service {
  return {
    identity: name,
    name,
    id: '',
    type: 'service',
    state: 'running',
    effectiveState: 'running',
    restarts: 0,
    command: `/bin/${name}`,
    args: [],
    conditions: [],
    rawConditions: '',
    runlevels: [2],
    user: 'root',
    group: 'root',
    description: '',
    origin: '',
    environmentFile: '',
    pidFile: '',
    forking: false,
    ...members,
  };
}

const names = ['a', 'b', 'c', 'd', 'e'];
const conditionName = fc.oneof(
  fc
    .tuple(fc.constantFrom('service', 'task'), fc.constantFrom(...names, 'nobody'))
    .map(([kind, name]) => `${kind}/${name}/ready`),
  fc.constantFrom(...names).map((name) => `pid/${name}`),
  fc.constantFrom('usr/x', 'net/eth0/up', 'hook/x', 'weird', ''),
);
const members = fc.record({
  type: fc.constantFrom('service', 'task', 'tty') as fc.Arbitrary<Service['type']>,
  effectiveState: fc.constantFrom(...states),
  conditions: fc.uniqueArray(
    fc.record({ name: conditionName, state: fc.constantFrom('on', 'off', 'flux') }),
    {
      selector: ({ name }) => name,
      maxLength: 4,
    },
  ),
  conflicts: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
  runlevels: fc.constantFrom<Service['runlevels']>([2], [3]),
  manual: fc.boolean(),
  environmentFile: fc.constantFrom('', '/etc/env', '-/etc/env'),
  notify: fc.constantFrom('none', 'pid', 'systemd', 's6') as fc.Arbitrary<NonNullable<Service['notify']>>,
  pid: fc.constant(5),
}) as fc.Arbitrary<Partial<Service>>;
const world: fc.Arbitrary<World> = fc
  .record({
    all: fc.tuple(...names.map(() => members)),
    files: fc.constantFrom(true, false, undefined),
    ready: fc.constantFrom('on', 'off', 'flux') as fc.Arbitrary<'on' | 'off' | 'flux'>,
  })
  .map(({ all, files, ready }) => ({
    services: all.map((each, i) => service(names[i] as string, each)),
    runlevel: 2,
    stateOf: () => ready,
    files: { exists: () => files, isProgram: () => files },
  }));

/** All explanations in a tree, each with those above it. */
function* explanationsIn(
  tree: Explanation,
  above: readonly string[] = [],
): Generator<[Explanation, readonly string[]]> {
  yield [tree, above];
  for (const { owner } of tree.reasons) if (owner) yield* explanationsIn(owner, [...above, tree.service]);
}

test('the tree ends, tells each service once, and names whatever else is named in it', (t) => {
  fc.assert(
    fc.property(world, (known) => {
      for (const root of known.services) {
        const tree = explainAmong(root, known);
        const all = [...explanationsIn(tree)];
        const told = all.map(([{ service }]) => service);
        t.is(new Set(told).size, told.length);
        for (const [{ reasons, ok, service, state }, above] of all) {
          t.true(reasons.length > 0);
          t.is(
            state,
            known.services.find(({ identity }) => identity === service)?.effectiveState as typeof state,
          );
          t.is(
            ok,
            reasons.every(({ kind }) => ['running', 'ready', 'done'].includes(kind)),
          );
          for (const { ownedBy, owner, circle, message } of reasons) {
            t.notRegex(message, /undefined|\n/);
            if (ownedBy === undefined) t.deepEqual([owner, circle], [undefined, undefined]);
            else t.true(told.includes(ownedBy));
            if (ownedBy !== undefined) t.is(circle === true, [...above, service].includes(ownedBy));
          }
        }
        t.deepEqual(JSON.parse(JSON.stringify(tree)), tree);
      }
    }),
  );
});

test('a service that waits says each of its conditions that is not on', (t) => {
  fc.assert(
    fc.property(world, members, ({ services, ...rest }, { conditions = [] }) => {
      const waiting = service('w', { effectiveState: 'waiting', conditions });
      const { reasons } = explainAmong(waiting, { ...rest, services: [...services, waiting] });
      t.deepEqual(
        reasons.flatMap(({ condition }) => condition ?? []),
        conditions.filter(({ state }) => state !== 'on'),
      );
    }),
  );
});

/** What formatExplanation() drew, read back. */
interface Drawn {
  text: string;
  children: Drawn[];
}
function readTree(lines: readonly string[]): Drawn {
  const [text = '', ...rest] = lines;
  const children: string[][] = [];
  for (const line of rest) {
    const [, head = '', tail = ''] = /^(├─ |└─ |│ {2}| {3})(.*)$/s.exec(line) ?? [];
    if (head === '├─ ' || head === '└─ ') children.push([tail]);
    else children.at(-1)?.push(tail);
  }
  return { text, children: children.map(readTree) };
}
function expected({ service, state, reasons }: Explanation): Drawn {
  const child = ({ owner }: Reason): Drawn[] => (owner ? [expected(owner)] : []);
  return {
    text: `${service}: ${state}`,
    children: reasons.map((reason) => ({ text: reason.message, children: child(reason) })),
  };
}
function agrees(drawn: Drawn, wanted: Drawn): boolean {
  return (
    drawn.text.startsWith(wanted.text) &&
    drawn.children.length === wanted.children.length &&
    drawn.children.every((each, i) => agrees(each, wanted.children[i] as Drawn))
  );
}

test('the lines draw the tree', (t) => {
  fc.assert(
    fc.property(world, (known) => {
      for (const root of known.services) {
        const tree = explainAmong(root, known);
        t.true(agrees(readTree(formatExplanation(tree)), expected(tree)));
      }
    }),
  );
});

test('what would steer a terminal does not get to it', (t) => {
  const evil = service('x', { effectiveState: 'missing', command: '/bin/\u001b[2J\u009b31mx\n' });
  const none = { exists: () => false, isProgram: () => false };
  const tree = explainAmong(evil, { services: [evil], runlevel: 2, stateOf: () => 'off', files: none });
  t.deepEqual(formatExplanation(tree), [
    'x: missing',
    '└─ its program /bin/?[2J?31mx? does not exist, or may not be executed',
  ]);
});

test('an explanation of a name that finit must not get is refused before it is asked', async (t) => {
  await t.throwsAsync(explain('two names', { runDir: '/nonexistent' }), { code: 'FINIT_INVALID_ARGUMENT' });
  await t.throwsAsync(explain('web', { runDir: '/nonexistent' }), { code: 'FINIT_NOT_RUNNING' });
});

test("files are looked for below finit's root, with links as they lead there", (t) => {
  const root = mkdtempSync(join(tmpdir(), 'node-finit-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/tool'), '', { mode: 0o755 });
  writeFileSync(join(root, 'usr/bin/text'), '', { mode: 0o644 });
  symlinkSync('usr/bin', join(root, 'bin'));
  symlinkSync('/usr/bin/tool', join(root, 'usr/bin/absolute'));
  symlinkSync('../../../../usr/bin/./absolute', join(root, 'usr/bin/above'));
  symlinkSync('/loop', join(root, 'loop'));
  // There here, and not there.
  symlinkSync(process.execPath, join(root, 'outside'));
  for (const path of ['/usr/bin/tool', '/bin/tool', '/bin/absolute', '/bin/above', '//bin/../bin/tool'])
    t.is(resolveBelow(root, path), `${root}/usr/bin/tool`, path);
  for (const path of ['/loop', '/nope', '/nope/x', '/outside'])
    t.is(resolveBelow(root, path), undefined, path);
  const files = filesOf(`${root}/run/finit`);
  t.deepEqual(
    ['/bin/above', 'tool', '/bin/text', '/outside', 'nope', '/usr/bin', '/loop'].map(files.isProgram),
    [true, true, false, false, false, false, false],
  );
  t.deepEqual(['/bin/text', '/bin/nope', '/bin/text/x'].map(files.exists), [true, false, false]);
  // As below a /proc/PID/root that is gone.
  t.is(filesOf(`${root}/gone/run/finit`).exists('/x'), undefined);
  t.is(filesOf(`${root}/usr/bin/text/run/finit`).exists('/x'), undefined);
  t.is(filesOf('/some/where/else').exists('/'), undefined);
  t.is(filesOf('/some/where/else').isProgram('sh'), undefined);
});

test('durations', (t) => {
  t.deepEqual([0, 59, 60, 3599, 3600, 3660, 86_400, 90_000].map(durationWords), [
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '1 h 1 min',
    '1 d',
    '1 d 1 h',
  ]);
});

test('what an exit status of finit-shim means is told, of other programs it is a number', (t) => {
  const told = (command: string, code: number, effectiveState: 'crashed' | 'restart') => {
    const web = service('web', { command, exit: { code }, effectiveState, runlevels: [2] });
    const known: World = {
      services: [web],
      runlevel: 2,
      stateOf: () => 'off',
      files: { exists: () => true, isProgram: () => true },
    };
    return explainAmong(web, known).reasons[0]?.message ?? '';
  };
  for (const state of ['crashed', 'restart'] as const) {
    t.regex(told('/opt/finit-shim', 64, state), /with status 64 \(finit-shim does not take its options/);
    t.regex(told('finit-shim', 127, state), /\(finit-shim does not find its program/);
    t.regex(told('/opt/finit-shim', 3, state), /with status 3[^(]*$/);
    t.regex(told('/opt/not-finit-shim', 64, state), /with status 64[^(]*$/);
  }
});
