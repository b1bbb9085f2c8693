/** What a host hears from its process. */
export interface ProcessEvents {
  terminate(signal: string): void;
  reload(): void;
  uncaught(error: unknown, what: string): void;
}

/**
 * Passes on signals and errors that nobody caught, instead of Node's ending the process.
 * @returns undoes it
 */
export function guardProcess(host: ProcessEvents): () => void {
  const terminate = (signal: string): void => host.terminate(signal);
  const reload = (): void => host.reload();
  const thrown = (error: unknown): void => host.uncaught(error, 'an error was thrown that nothing caught');
  const rejected = (error: unknown): void =>
    host.uncaught(error, 'a promise was rejected and nothing heard it');
  // A log that nobody reads any more must not become an error that has to be logged.
  const ignore = (): void => {};
  process.on('SIGTERM', terminate).on('SIGINT', terminate).on('SIGHUP', reload);
  process.on('uncaughtException', thrown).on('unhandledRejection', rejected);
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
  return () => {
    process.off('SIGTERM', terminate).off('SIGINT', terminate).off('SIGHUP', reload);
    process.off('uncaughtException', thrown).off('unhandledRejection', rejected);
    process.stdout.off('error', ignore);
    process.stderr.off('error', ignore);
  };
}
