// What initctl -j prints, as captured from real ones and as broken as it can be.
import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import { parseInitctlStatus } from '#src/protocol/initctl-json.js';

const one = (changes: string[] = []): string => {
  const members = [
    '"identity": "web:1"',
    '"description": "A web server"',
    '"type": "service"',
    '"forking": false',
    '"status": "running"',
    '"origin": "/etc/finit.d/web.conf"',
    '"command": "/bin/web -p 80"',
    '"condition": [ "+usr/foo", "-pid/bar", "~net/eth0/up" ]',
    '"restarts": 3',
    '"pidfile": "none"',
    '"pid": 71',
    '"user": "root"',
    '"group": "root"',
    '"uptime": 8',
    '"runlevels": [ "S", 2, 3 ]',
  ].map((line) => changes.find((change) => change.split(':')[0] === line.split(':')[0]) ?? line);
  return `{\n${members.map((line) => `  ${line}`).join(',\n')}\n}\n`;
};

test('one service is read', (t) => {
  t.deepEqual(parseInitctlStatus(one()), [
    {
      identity: 'web:1',
      name: 'web',
      id: '1',
      type: 'service',
      state: 'running',
      effectiveState: 'running',
      pid: 71,
      uptime: 8,
      restarts: 3,
      command: '/bin/web',
      args: ['-p', '80'],
      conditions: ['usr/foo', 'pid/bar', 'net/eth0/up'],
      rawConditions: 'usr/foo,pid/bar,net/eth0/up',
      runlevels: ['S', 2, 3],
      user: 'root',
      group: 'root',
      description: 'A web server',
      origin: '/etc/finit.d/web.conf',
      environmentFile: '',
      pidFile: '',
      forking: false,
    },
  ]);
});

test('a list is read, and nothing at all is a list of none', (t) => {
  t.is(parseInitctlStatus(`[\n${one()},\n${one()}]\n`).length, 2);
  t.deepEqual(parseInitctlStatus(''), []);
  t.deepEqual(parseInitctlStatus('\n'), []);
});

test('quotes and backslashes are taken as they are where they are not escaped (4.12 – 4.15), and as JSON where they are (4.16)', (t) => {
  const [raw] = parseInitctlStatus(one(['"command": "/bin/sh -c "echo \\n, "a": 1""']));
  t.is([raw?.command, ...(raw?.args ?? [])].join(' '), '/bin/sh -c "echo \\n, "a": 1"');
  const [escaped] = parseInitctlStatus(one(['"description": "says \\"hello\\" \\\\"']));
  t.is(escaped?.description, 'says "hello" \\');
});

test('how it ended is told, and a failed task is not taken for done', (t) => {
  const [failed] = parseInitctlStatus(
    one(['"status": "done"', '"pid": 0', '"forking": false,\n  "exit": { "code": 3 }']),
  );
  t.like(failed, { exit: { code: 3 }, state: 'done', effectiveState: 'failed', pid: undefined });
  const [killed] = parseInitctlStatus(one(['"forking": true,\n  "exit": { "signal": 9 }']));
  t.like(killed, { exit: { signal: 'SIGKILL' }, forking: true });
  const [missing] = parseInitctlStatus(one(['"pid": 0']));
  t.like(missing, { state: 'running', effectiveState: 'missing' });
});

test('what is not initctl is FINIT_BAD_REPLY', (t) => {
  for (const text of ['initctl: no', '{', '{\n"identity": 3\n}', one(['"pid": x']), one(['"runlevels": 2'])])
    t.throws(() => parseInitctlStatus(text), { code: 'FINIT_BAD_REPLY' }, text);
});

test('any text gives services or FINIT_BAD_REPLY', (t) => {
  const lines = [
    ...one().split('\n'),
    '[',
    ']',
    ',',
    '},',
    '"exit": { "code": 999 }',
    '"pid": -1',
    '"status": "odd"',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.oneof(fc.constantFrom(...lines), fc.string({ unit: 'binary' }))).map((all) => all.join('\n')),
    fc.array(fc.constantFrom(...lines)).map((all) => all.join('\n')),
  );
  const outcomes = { services: 0, errors: 0 };
  fc.assert(
    fc.property(text, (printed) => {
      try {
        parseInitctlStatus(printed);
        outcomes.services++;
      } catch (error) {
        outcomes.errors++;
        return isFinitError(error, 'FINIT_BAD_REPLY');
      }
      return true;
    }),
    { numRuns: 3000 },
  );
  t.true(outcomes.services > 0 && outcomes.errors > 0);
});
