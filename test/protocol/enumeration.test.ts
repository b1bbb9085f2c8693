import test from 'ava';
import fc from 'fast-check';
import { isWholeList } from '#src/protocol/enumeration.js';
import { captures } from '../helpers/captures.js';

for (const { version, records } of captures) {
  test(`the records of finit ${version} in finit's order are a whole list`, (t) => {
    t.true(isWholeList(records));
  });

  test(`any entries that another client took from a list of finit ${version} are missed`, (t) => {
    fc.assert(
      // The first one cannot be taken: every enumeration begins with it.
      fc.property(fc.subarray(records.slice(1), { maxLength: records.length - 2 }), (rest) => {
        const some = [records[0] as Buffer, ...rest];
        return some.length === records.length || some.length === 2 || !isWholeList(some);
      }),
      { numRuns: 500 },
    );
    t.pass();
  });

  test(`an entry of finit ${version} that comes twice, or out of order, is noticed`, (t) => {
    const index = fc.nat(records.length - 1);
    fc.assert(
      fc.property(
        index,
        index,
        (from, to) => !isWholeList(records.toSpliced(to, 0, records[from] as Buffer)),
      ),
    );
    fc.assert(fc.property(index, index, (a, b) => a === b || !isWholeList(swap(records, a, b))));
    t.pass();
  });
}

test('no record at all is the whole list of a finit without services', (t) => {
  t.true(isWholeList([]));
});

test('of three entries, the one in the middle or the last is missed', (t) => {
  const list = [0x10n, 0x20n, 0x30n].map((_, i, all) => record(all[i + 1] ?? 0n, all[i - 1] ?? 0x99n));
  const [a, b, c] = list as [Uint8Array, Uint8Array, Uint8Array];
  t.true(isWholeList([a, b, c]));
  t.false(isWholeList([a, c]));
  t.false(isWholeList([a, b]));
  t.false(isWholeList([a]));
});

function record(next: bigint, previous: bigint): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(next, 0);
  bytes.writeBigUInt64LE(previous, 8);
  return bytes;
}

function swap<T>(list: readonly T[], a: number, b: number): T[] {
  return list.map((item, i) => (i === a ? (list[b] as T) : i === b ? (list[a] as T) : item));
}
