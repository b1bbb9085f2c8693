// Every decoder on any bytes: a value or a typed error, of the bytes given and nothing beside them.
import test from 'ava';
import fc from 'fast-check';
import { FinitError } from '#src/errors.js';
import { decodeAnswer, decodeMessage, REQUEST_LENGTH } from '#src/protocol/control.js';
import { isWholeList } from '#src/protocol/enumeration.js';
import { parseInitctlStatus } from '#src/protocol/initctl-json.js';
import { decodeInotifyEvents } from '#src/protocol/inotify.js';
import { layoutOf, recordLayouts, releasesOf } from '#src/protocol/record-layouts.js';
import { decodeServiceRecord } from '#src/protocol/service-record.js';
import { decodeText } from '#src/protocol/text.js';
import { decodeWaitStatus } from '#src/protocol/wait-status.js';
import { captures } from '../helpers/captures.js';

const architectures = ['x64', 'arm64', 'arm', 'ia32', 's390x'];

/** Every way of making something of bytes, by name. */
const decoders: Record<string, (bytes: Uint8Array, architecture: string) => unknown> = {
  decodeServiceRecord,
  layoutOf,
  releasesOf,
  isWholeList: (bytes, architecture) => isWholeList([bytes, bytes.subarray(1), bytes], architecture),
  decodeMessage,
  decodeAnswer,
  decodeInotifyEvents,
  decodeText: (bytes) => decodeText(bytes),
  decodeWaitStatus: (bytes) => decodeWaitStatus((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)),
  parseInitctlStatus: (bytes) => parseInitctlStatus(decodeText(bytes)),
};

/** What a decoder makes of bytes, as a text that can be compared. */
function outcome(name: string, bytes: Uint8Array, architecture: string): string {
  try {
    return JSON.stringify(decoders[name]?.(bytes, architecture)) ?? 'nothing';
  } catch (error) {
    // Anything but our own error is a defect.
    if (error instanceof FinitError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const lengths = [...new Set(architectures.flatMap((one) => recordLayouts(one).map(({ length }) => length)))];

/** Any bytes; of the lengths that are known, and near them. */
const anyBytes = fc
  .tuple(
    fc.oneof(
      fc.nat(1000),
      fc.nat(40_000),
      fc.constant(REQUEST_LENGTH),
      fc.constantFrom(...lengths),
      fc
        .tuple(fc.constantFrom(...lengths), fc.integer({ min: -1, max: 1 }))
        .map(([length, by]) => length + by),
    ),
    fc.uint8Array({ minLength: 1, maxLength: 3000, size: 'max' }),
    fc.constantFrom(1, 7, 13),
    fc.boolean(),
  )
  .map(([length, some, step, hasProcess]) => {
    const bytes = Uint8Array.from({ length }, (_, i) => some[(i * step) % some.length] as number);
    // Most of what is random is an end marker, else: of a pid < 0.
    const pid = architectures
      .map((one) => layoutOf(bytes, one)?.fields.pid[0])
      .find((at) => at !== undefined);
    if (hasProcess && pid !== undefined) bytes[pid + 3] = 0;
    return bytes;
  });

/** A captured record with some of its bytes changed. */
const mutated = fc
  .tuple(
    fc.constantFrom(...captures.flatMap(({ records }) => records)),
    fc.array(
      fc.tuple(
        fc.oneof(fc.nat(2500), fc.nat(25_000)),
        fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
      ),
      { maxLength: 60 },
    ),
  )
  .map(([record, changes]) => {
    const bytes = Uint8Array.from(record);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });

for (const name of Object.keys(decoders)) {
  test(`${name} makes a value or a FinitError of any bytes, and never two of the same`, (t) => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, mutated), fc.constantFrom(...architectures), (bytes, architecture) => {
        const first = outcome(name, bytes, architecture);
        return first === outcome(name, bytes, architecture);
      }),
      { numRuns: 200 },
    );
    t.pass();
  });

  test(`${name} reads the bytes it is given, whatever is around them`, (t) => {
    const around = fc.tuple(fc.nat(300), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(
        fc.oneof(anyBytes, mutated),
        around,
        fc.constantFrom(...architectures),
        (bytes, ...rest) => {
          const [[offset, before, after], architecture] = rest;
          const alone = outcome(name, bytes, architecture);
          return [before, after].every((value) => {
            const buffer = Buffer.alloc(offset + bytes.length + 300, value);
            buffer.set(bytes, offset);
            const part = buffer.subarray(offset, offset + bytes.length);
            return (
              outcome(name, part, architecture) === alone &&
              // Neither a Buffer nor aligned.
              outcome(name, new Uint8Array(part.buffer, part.byteOffset, part.length), architecture) === alone
            );
          });
        },
      ),
      { numRuns: 100 },
    );
    t.pass();
  });
}

test('a captured record with any of its bytes changed is still a service, or none', (t) => {
  let services = 0;
  fc.assert(
    fc.property(mutated, (bytes) => {
      const service = decodeServiceRecord(bytes, 'x64');
      if (service !== undefined) services++;
      return service === undefined || typeof service.identity === 'string';
    }),
    { numRuns: 500 },
  );
  t.true(services > 100);
});

test('a record that is cut short is not read', (t) => {
  const known = new Set(recordLayouts('x64').map(({ length }) => length));
  for (const { records } of captures) {
    const [record] = records;
    if (record === undefined) continue;
    for (let length = 0; length < record.length; length += 97)
      if (!known.has(length))
        t.throws(() => decodeServiceRecord(record.subarray(0, length), 'x64'), {
          code: 'FINIT_UNKNOWN_RECORD',
        });
  }
});
