/**
 * Whether the records of an enumeration are the whole list.
 *
 * finit has one iterator for all clients (`static svc_t *iter` in api_cb(), src/api.c, all 4.x): while two enumerate at the
 * same time, each loses entries to the other, silently. But a record begins with its TAILQ_ENTRY, PID 1's own links: the
 * address of the next record, and the address of the link that leads here, which is the address of the record before.
 * Comparing them shows every gap and every repetition. They are compared, nothing else: no address leaves this file.
 */

/** Size of PID 1's pointers. */
const POINTER = 8;

/**
 * True if these records, in this order, are the list from its first to its last: each one's `next` is the address that the
 * one after the next names as the one before it. (Of just two records, not every gap can be seen.)
 * @param records - of a known layout, the end marker not among them.
 */
export function isWholeList(records: readonly Uint8Array[]): boolean {
  const links = records.map((record) => {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    return { next: view.getBigUint64(0, true), previous: view.getBigUint64(POINTER, true) };
  });
  return links.every((link, i) => {
    const after = links[i + 1];
    if (after === undefined) return link.next === 0n;
    const afterNext = links[i + 2];
    // Equal, they name one record between these two.
    if (link.next === after.previous) return false;
    return afterNext === undefined || link.next === afterNext.previous;
  });
}
