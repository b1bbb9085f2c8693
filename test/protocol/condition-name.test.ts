import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import {
  compileConditionPattern,
  MAX_NAME_4X,
  parseConditionName,
  parseUserConditionName,
} from '#src/protocol/condition-name.js';

test('a bare name means a usr/ condition', (t) => {
  t.is(parseConditionName('open'), 'usr/open');
  t.is(parseConditionName('service/web:1/ready'), 'service/web:1/ready');
  t.is(parseUserConditionName('usr/open'), 'usr/open');
});

for (const [name, why] of [
  ['', 'empty'],
  ['..', '. or ..'],
  ['usr/../../etc/passwd', '. or ..'],
  ['usr/./x', '. or ..'],
  ['/usr/x', 'empty segment'],
  ['usr//x', 'empty segment'],
  ['usr/', 'empty segment'],
  ['usr/a\0b', 'NUL'],
  ['a b', 'blanks'],
  ['a,b', 'blanks'],
  ['<a>', 'blanks'],
] as const) {
  test(`${JSON.stringify(name)} is no condition name: ${why}`, (t) => {
    const error = t.throws(() => parseConditionName(name));
    t.true(isFinitError(error, 'FINIT_INVALID_CONDITION'));
    t.true(error?.message.includes(why), error?.message);
  });
}

for (const [name, why] of [
  ['service/web/ready', 'only conditions in usr/'],
  ['usr/a/b', 'no further /'],
  ['usr/a.b', 'no .'],
  ['a.b', 'no .'],
] as const) {
  test(`${name} cannot be set from outside: ${why}`, (t) => {
    const error = t.throws(() => parseUserConditionName(name));
    t.true(isFinitError(error, 'FINIT_INVALID_CONDITION'));
    t.true(error?.message.includes(why), error?.message);
  });
}

test('a name may have 43 bytes on finit 4.x, with its usr/, and no more', (t) => {
  const longest = 'x'.repeat(MAX_NAME_4X - 'usr/'.length);
  t.is(parseConditionName(longest, MAX_NAME_4X), `usr/${longest}`);
  const error = t.throws(() => parseConditionName(`${longest}x`, MAX_NAME_4X));
  t.true(isFinitError(error, 'FINIT_INVALID_CONDITION'));
  t.is(parseConditionName(`${longest}x`), `usr/${longest}x`);
  t.throws(() => parseConditionName(`${'ä'.repeat(19)}xx`, MAX_NAME_4X), { message: /bytes/ });
});

test('any string is a name or a typed error, and a name stays below the condition directory', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'./ab\0 ,<\n') }), (text) => {
      try {
        const name = parseConditionName(text);
        t.false(name.split('/').some((segment) => ['', '.', '..'].includes(segment)));
      } catch (error) {
        t.true(isFinitError(error, 'FINIT_INVALID_CONDITION'));
      }
    }),
  );
});

const patterns: [pattern: string | string[], matching: string[], others: string[]][] = [
  ['service/web/ready', ['service/web/ready'], ['service/web/running', 'xservice/web/ready']],
  ['service/*/ready', ['service/web/ready', 'service/a:b/ready'], ['service/web/x/ready', 'service/ready']],
  ['service/**', ['service/web/ready', 'service/x'], ['service', 'usr/service']],
  ['**/ready', ['service/web/ready', 'ready'], ['service/web/already']],
  ['**', ['usr/x', 'net/lo/up'], []],
  ['net/*/u*', ['net/eth0/up', 'net/lo/u'], ['net/eth0/down']],
  ['open-*', ['usr/open-for-business'], ['open-for-business']],
  ['service/we.b/*', ['service/we.b/ready'], ['service/weeb/ready']],
  [['usr/a', 'usr/b'], ['usr/a', 'usr/b'], ['usr/c']],
];
for (const [pattern, matching, others] of patterns) {
  test(`the pattern ${JSON.stringify(pattern)} takes what it names and nothing else`, (t) => {
    const matches = compileConditionPattern(pattern);
    t.deepEqual(matching.filter(matches), matching);
    t.deepEqual(others.filter(matches), []);
  });
}

test('a pattern without any name is refused', (t) => {
  t.throws(() => compileConditionPattern([]), { message: /no pattern/ });
  for (const wrong of [{ runDir: '/run/finit' }, undefined, null, 5, [{}], ['a', undefined]])
    t.throws(() => compileConditionPattern(wrong as never), { message: /a string is expected/ });
});

test('every name matches itself as a pattern, whatever characters it has', (t) => {
  const segment = fc.string({ unit: fc.constantFrom(...'ab.+?()[]{}^$|\\:@-ä'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(segment, { minLength: 2, maxLength: 4 }), (segments) => {
      fc.pre(!segments.some((s) => s === '.' || s === '..'));
      t.true(compileConditionPattern(segments.join('/'))(segments.join('/')));
      t.true(compileConditionPattern(`${segments.slice(0, -1).join('/')}/*`)(segments.join('/')));
    }),
  );
});
