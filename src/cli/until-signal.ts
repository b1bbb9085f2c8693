/** A signal that fires at SIGINT or SIGTERM, so that what follows something can end in good order, with exit code 0. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  return controller.signal;
}
