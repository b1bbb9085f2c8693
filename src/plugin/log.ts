import { format } from 'node:util';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes lines; values are formatted as `console.log()` does. */
export type Log = Record<LogLevel, (...values: unknown[]) => void>;

/** Takes one finished line, without its newline. */
export type LogSink = (level: LogLevel, line: string) => void;

/** To stdout; warnings and errors to stderr. */
export const standardSink: LogSink = (level, line) => {
  (level === 'info' || level === 'debug' ? process.stdout : process.stderr).write(`${line}\n`);
};

const PRIORITY: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7 };

/**
 * The same with `<4>` and the like in front, by which finit's logit gives the line its priority in the syslog (src/logit.c, seen on
 * 4.14). Not the default: 4.12's logit does not know it, and for a stanza with `log:/file`, or on a console, it stays in the text.
 */
export const prioritySink: LogSink = (level, line) => standardSink(level, `<${PRIORITY[level]}>${line}`);

const WORDS: Record<LogLevel, string> = { debug: 'debug: ', info: '', warn: 'warning: ', error: 'error: ' };

/** A log in which each line, also each of a stack, begins with the name. */
export function createLog(name: string, sink: LogSink, debug: boolean): Log {
  const at =
    (level: LogLevel) =>
    (...values: unknown[]): void => {
      if (level === 'debug' && !debug) return;
      const lines = format(...values).split('\n');
      for (const line of lines) sink(level, `${name}: ${WORDS[level]}${line}`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
