import test from 'ava';
import fc from 'fast-check';
import { parseCpuMax, parseKeyed, parseLimit, parsePids } from '#src/cgroups/parse.js';

const number = fc.nat();
const key = fc.stringMatching(/^[a-z][a-z_]{0,20}$/);

test('what the kernel writes comes back', (t) => {
  fc.assert(
    fc.property(fc.dictionary(key, number), (values) => {
      const text = Object.entries(values).map(([name, value]) => `${name} ${value}\n`);
      t.deepEqual(parseKeyed(text.join('')), new Map(Object.entries(values)));
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.nat()), (pids) => {
      t.deepEqual(
        parsePids(pids.map((pid) => `${pid}\n`).join('')),
        pids.filter((pid) => pid > 0),
      );
    }),
  );
  fc.assert(
    fc.property(fc.oneof(number, fc.constant('max' as const)), number, (quota, period) => {
      t.is(parseLimit(`${quota}\n`), quota);
      t.deepEqual(parseCpuMax(`${quota} ${period}\n`), { quota, period });
    }),
  );
});

test('anything else is left out, or undefined', (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const value of parseKeyed(text).values()) t.true(value >= 0);
      for (const pid of parsePids(text)) t.true(Number.isInteger(pid) && pid > 0);
      const limit = parseLimit(text);
      t.true(limit === undefined || limit === 'max' || limit >= 0);
      const max = parseCpuMax(text);
      t.true(max === undefined || max.period >= 0);
    }),
  );
  for (const text of [undefined, '', 'min', '-1', '1.5', '0x10', '1 2 3', 'max'])
    t.is(parseCpuMax(text), undefined, text);
  for (const text of [undefined, '', 'min', '-1', '1.5', '0x10', '1 2'])
    t.is(parseLimit(text), undefined, text);
});
