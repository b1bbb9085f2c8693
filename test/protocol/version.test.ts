import test from 'ava';
import { compareVersions, hasSince } from '#src/protocol/version.js';

test('versions are compared by their numbers, and before a release comes what leads to it', (t) => {
  const order = [
    '4.2',
    '4.2.1',
    '4.3',
    '4.9',
    '4.10',
    '4.13-rc1',
    '4.13-rc2',
    '4.13',
    '4.17',
    '5.0-dev',
    '5.0',
  ];
  t.deepEqual([...order].reverse().sort(compareVersions), order);
  t.is(compareVersions('v4.14', '4.14'), 0);
});

test('what came with a version is there, is not there, or cannot be told', (t) => {
  t.true(hasSince(['4.16'], '4.16'));
  t.false(hasSince(['4.13', '4.14'], '4.16'));
  t.true(hasSince(['5.0-dev'], '5.0'));
  t.is(hasSince(['4.10', '4.12'], '4.11'), undefined);
  t.is(hasSince([], '4.11'), undefined);
});
