/**
 * Whether the records of an enumeration are the whole list.
 *
 * finit has one iterator for all clients (`static svc_t *iter` in api_cb(), src/api.c, all 4.x): while two enumerate at the
 * same time, each loses entries to the other, silently. But a record begins with its TAILQ_ENTRY, PID 1's own links: the
 * address of the next record, and the address of the link that leads here, which is the address of the record before.
 * Comparing them shows every gap and every repetition. They are compared, nothing else: no address leaves this file.
 */
import { pointerSizeOf } from './record-struct.js';

/**
 * True if these records, in this order, are the list from its first to its last: each one's `next` is the address that the
 * one after the next names as the one before it. (Of just two records, not every gap can be seen.)
 * @param records - of a known layout, the end marker not among them.
 * @param architecture - as in `process.arch`.
 */
export function isWholeList(records: readonly Uint8Array[], architecture: string = process.arch): boolean {
  const size = pointerSizeOf(architecture);
  return records.every((record, i) => {
    const after = records[i + 1];
    if (after === undefined) return isNull(record, size);
    const afterNext = records[i + 2];
    // Equal, they name one record between these two.
    if (nextIsPreviousOf(record, after, size)) return false;
    return afterNext === undefined || nextIsPreviousOf(record, afterNext, size);
  });
}

/** tqe_next, the first member, is no record. */
function isNull(record: Uint8Array, size: number): boolean {
  for (let i = 0; i < size; i++) if (record[i] !== 0) return false;
  return true;
}

/** tqe_next of the one is tqe_prev, the second member, of the other. */
function nextIsPreviousOf(record: Uint8Array, other: Uint8Array, size: number): boolean {
  for (let i = 0; i < size; i++) if (record[i] !== other[size + i]) return false;
  return true;
}
