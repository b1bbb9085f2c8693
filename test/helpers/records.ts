/** Records made up, at the places where a compiler has the members. */
import type { CompiledField, CompiledLayout } from './svc-layouts.js';

export type Values = Record<string, number | string | readonly string[]>;

/** A record with these members; others are 0. */
export function makeRecord({ length, fields }: CompiledLayout, values: Values): Buffer {
  const record = Buffer.alloc(length);
  for (const [name, value] of Object.entries(values)) {
    const field = fields[name];
    // Not every finit has every member.
    if (field !== undefined) put(record, field, value);
  }
  return record;
}

function put(record: Buffer, [offset, size, element = size]: CompiledField, value: Values[string]): void {
  if (typeof value === 'string') record.write(value, offset, size, 'utf8');
  else if (typeof value === 'object')
    value.forEach((item, i) => {
      record.write(item, offset + i * element, element, 'utf8');
    });
  else if (size === 8) record.writeBigInt64LE(BigInt(value), offset);
  else if (size === 4) record.writeInt32LE(value, offset);
  else record[offset] = value;
}
