/**
 * What somebody else's code has thrown, in words: its message and those of its causes, as it is often a cause that says why
 * (`fetch failed: connect ECONNREFUSED`). Never throws, whatever it gets.
 */
export function reasonOf(thrown: unknown): string {
  const words: string[] = [];
  try {
    // Causes may go round in a circle.
    for (let error = thrown; words.length < 5; error = error.cause) {
      words.push(error instanceof Error ? messageOf(error) : String(error));
      if (!(error instanceof Error) || error.cause === undefined) break;
    }
  } catch {
    // A toString() or a getter that throws itself, an object without any.
    if (words.length === 0) words.push('something that cannot be shown');
  }
  return words.join(': ');
}

/** The AggregateError of a connection that failed has no message, but a code. */
function messageOf(error: Error & { code?: unknown }): string {
  return String(error.message || error.code || error.name);
}
