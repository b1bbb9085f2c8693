import test from 'ava';
import fc from 'fast-check';
import { isWholeList, Pieces } from '#src/protocol/enumeration.js';
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

for (const { version, records } of captures) {
  const keys = records.map((_, i) => `service ${i}`);

  test(`lists of finit ${version} with entries missing are put together once nothing is missing of all of them`, (t) => {
    const subset = fc.subarray(records.map((_, i) => i).slice(1));
    fc.assert(
      fc.property(fc.array(subset, { minLength: 1, maxLength: 10 }), (passes) => {
        const pieces = new Pieces<number>();
        let seen: number[][] = [];
        for (const pass of passes) {
          const indices = [0, ...pass];
          seen.push(indices);
          pieces.add(
            indices.map((i) => records[i] as Buffer),
            indices.map((i) => keys[i] as string),
            indices,
          );
          const list = pieces.take();
          // Whoever has all, each with the next in one pass; and nobody else; in finit's order.
          const isAll = keys.every(
            (_, i) => i === 0 || seen.some((some) => some.includes(i) && some.includes(i - 1)),
          );
          if ((list !== undefined) !== isAll) return false;
          if (list?.some((value, i) => value !== i)) return false;
          if (list !== undefined) seen = [];
        }
        return true;
      }),
      { numRuns: 300 },
    );
    t.pass();
  });
}

test('pieces of an older list do not get into a newer one', (t) => {
  const pieces = new Pieces<string>();
  const chain = (names: string, base: bigint) =>
    [...names].map((name, i, all) => {
      const at = (k: number) => base + BigInt(k) * 0x10n;
      return { name, bytes: record(i + 1 < all.length ? at(i + 1) : 0n, i === 0 ? 1n : at(i - 1)) };
    });
  const add = (some: { name: string; bytes: Uint8Array }[]) => {
    const names = some.map(({ name }) => name);
    pieces.add(
      some.map(({ bytes }) => bytes),
      names,
      names,
    );
    return pieces.take()?.join('');
  };
  const older = chain('abcdx', 0x1000n);
  const newer = chain('abcde', 0x2000n);
  t.is(add(older.slice(0, 3).concat(older.slice(4))), undefined);
  // x is gone, e has come.
  for (let i = 0; i < 3; i++) t.is(add(newer), undefined);
  let whole: string | undefined;
  for (let i = 0; i < 20 && whole === undefined; i++) whole = add(newer);
  t.is(whole, 'abcde');
});

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
