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

/** The longest that pieces are kept, in passes: what they show may be gone by then. */
const MOST_PASSES = 16;

interface Piece<T> {
  key: string;
  next: string;
  previous: string;
  value: T;
}

/**
 * Several enumerations, each with entries missing, put together by their links. Where others enumerate all the time, none might ever be
 * whole.
 */
export class Pieces<T> {
  readonly #size: number;
  readonly #nowhere: string;
  readonly #pieces = new Map<string, Piece<T>>();
  #first: string | undefined;
  /** Of each, the places of its records. */
  #passes: Map<string, number>[] = [];

  constructor(architecture: string = process.arch) {
    this.#size = pointerSizeOf(architecture);
    this.#nowhere = '\0'.repeat(this.#size);
  }

  /**
   * Adds what one enumeration gave, from the first record on: that one nobody takes away, as asking for it begins anew.
   * @param keys - of the records, to know them again; `values`, what the caller makes of them.
   */
  add(records: readonly Uint8Array[], keys: readonly string[], values: readonly T[]): void {
    const [first] = keys;
    if (this.#passes.length === MOST_PASSES || first !== this.#first) this.#clear();
    this.#first = first;
    this.#passes.push(new Map(keys.map((key, i) => [key, i])));
    records.forEach((record, i) => {
      const link = (start: number) => String.fromCharCode(...record.subarray(start, start + this.#size));
      // A newer one takes the place of an older.
      const piece = {
        key: keys[i] as string,
        next: link(0),
        previous: link(this.#size),
        value: values[i] as T,
      };
      this.#pieces.set(piece.key, piece);
    });
  }

  /** The list, once nothing is missing of it any more, and begins anew; of less than three, that cannot be seen. */
  take(): T[] | undefined {
    const list = this.#whole();
    if (list !== undefined) this.#clear();
    return list;
  }

  #clear(): void {
    this.#passes = [];
    this.#first = undefined;
    this.#pieces.clear();
  }

  #whole(): T[] | undefined {
    const pieces = [...this.#pieces.values()];
    const first = this.#pieces.get(this.#first ?? '');
    const nexts = new Set(pieces.map(({ next }) => next));
    // Where the first one is, no record says; so nobody but the second has a `previous` that is not another's `next`.
    const seconds = pieces.filter((piece) => piece !== first && !nexts.has(piece.previous));
    const [second] = seconds;
    if (first === undefined || second === undefined || seconds.length !== 1 || pieces.length < 3)
      return undefined;
    const byPrevious = new Map(pieces.map((piece) => [piece.previous, piece]));
    const list = [first, second];
    for (let i = 0; list.length < pieces.length; i++) {
      const afterNext = byPrevious.get(list[i]?.next ?? '');
      if (afterNext === undefined) return undefined;
      list.push(afterNext);
    }
    if (list.at(-1)?.next !== this.#nowhere || new Set(list).size !== pieces.length) return undefined;
    // Links alone could also lead along every second one of a list with two gaps, and then along the others; in another order than theirs.
    const isInOrder = list.every((piece, i) => i === 0 || this.#came(list[i - 1] as Piece<T>, piece));
    return isInOrder ? list.map(({ value }) => value) : undefined;
  }

  /** That there was an enumeration in which the one came before the other. */
  #came(one: Piece<T>, other: Piece<T>): boolean {
    return this.#passes.some((places) => {
      const place = places.get(one.key);
      return place !== undefined && place < (places.get(other.key) ?? -1);
    });
  }
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
