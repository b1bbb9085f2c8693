import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { checkServiceName } from '#src/protocol/job-string.js';

for (const name of ['web', 'web:1', 'dbus-daemon', 'tty:S9', 'über_1', '1', '12:eth0', 'x'.repeat(367)])
  test(`${name.slice(0, 20)} can be asked for`, (t) => {
    t.notThrows(() => checkServiceName(name));
  });

const refused: [why: string, name: unknown][] = [
  ['an empty name', ''],
  ['a blank', ' '],
  ['two names in one', 'web api'],
  ['a newline', 'web\n'],
  ['a NUL', 'web\0'],
  ['a name longer than the field', 'x'.repeat(368)],
  ['a name that finit would ignore and say yes to', '日本'],
  ['a name that finit would take for job 2', '2nd'],
  ['a job number that PID 1 would not get out of', '99999999999999999999'],
  ['the same with more behind it', '99999999999999999999abc:1'],
  ['a number', 1],
  ['nothing', undefined],
];
for (const [why, name] of refused)
  test(`${why} is never sent to PID 1`, (t) => {
    t.true(
      isFinitError(
        t.throws(() => checkServiceName(name)),
        'FINIT_INVALID_ARGUMENT',
      ),
    );
  });
