/**
 * Memory that answers are received into, used again and again: a list of services is megabytes, and fresh memory costs more than what
 * is read into it. An arena is one burst's at a time.
 */
import { Outcome } from '../native.js';

/** Longest answer that is taken: 64 KiB, as in native/addon/burst.h. */
const LONGEST_ANSWER = 64 * 1024;
/** Room for an answer that is no service record (384 bytes). */
const ANSWER = 512;
/** How many are kept for the next. */
const KEPT = 4;
/** Larger ones are given back to the system after so long without use, in milliseconds. */
const IDLE = 10_000;

/** What a burst writes to. */
export interface Arena {
  bytes: Buffer;
  /** See {@link Outcome}. */
  outcome: Uint32Array;
}

const small: Arena[] = [];
let large: Arena | undefined;
let timer: NodeJS.Timeout | undefined;

/** An arena for so many answers, of which one may be a record. */
export function takeArena(answers: number): Arena {
  const size = LONGEST_ANSWER + (answers - 1) * ANSWER;
  const kept = answers === 1 ? small.pop() : undefined;
  return kept ?? makeArena(size, answers);
}

/** An arena of at least so many bytes, for a list of that many services at most. */
export function takeLargeArena(size: number, answers: number): Arena {
  const kept = large;
  if (kept === undefined || kept.bytes.length < size) return makeArena(size, answers);
  large = undefined;
  return kept;
}

function makeArena(size: number, answers: number): Arena {
  return { bytes: Buffer.allocUnsafeSlow(size), outcome: new Uint32Array(Outcome.lengths + answers) };
}

/** No longer used: no view of it may be looked at any more. */
export function giveArena(arena: Arena): void {
  const { length } = arena.bytes;
  if (length === LONGEST_ANSWER) {
    if (small.length < KEPT) small.push(arena);
  } else if (length > LONGEST_ANSWER * 4 && length > (large?.bytes.length ?? 0)) {
    large = arena;
    if (timer) timer.refresh();
    else {
      timer = setTimeout(() => {
        large = undefined;
        timer = undefined;
      }, IDLE);
      timer.unref();
    }
  }
}

/** The answers in an arena. */
export function answersIn({ bytes, outcome }: Arena): Buffer[] {
  const answers: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < (outcome[Outcome.answers] ?? 0); i++) {
    const end = start + (outcome[Outcome.lengths + i] ?? 0);
    answers.push(bytes.subarray(start, end));
    start = end;
  }
  return answers;
}
