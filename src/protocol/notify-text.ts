/**
 * The text of readiness notifications, sd_notify(3): `KEY=value` lines.
 */
import { FinitError } from '../errors.js';

/**
 * `READY=1`, always alone: finit >= 4.13 reads 31 bytes of a datagram and drops the rest, finit 4.4 – 4.12 compares the
 * whole message (service_notify_cb() in src/service.c). The newline is needed by the latter, harmless for the others.
 */
export const READY = 'READY=1\n';

/** The service begins to stop. finit reads and drops it. */
export const STOPPING = 'STOPPING=1\n';

/**
 * `STATUS=…`: one line for people. finit reads and drops it.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when the text holds a newline or NUL: it would be read as further assignments,
 *   `READY=1` among them.
 */
export function encodeStatus(text: string): string {
  if (typeof text !== 'string')
    throw new FinitError('FINIT_INVALID_ARGUMENT', `A status is a string, not ${typeof text}`);
  const bad = /[\n\r\0]/.exec(text);
  if (bad)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `A status is one line of text, this one has ${JSON.stringify(bad[0])} at ${bad.index}`,
    );
  return `STATUS=${text}\n`;
}
