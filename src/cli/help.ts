import { nearest } from '../nearest.js';
import { type Command, type Entry, EXIT, Failure } from './command.js';
import { commands } from './commands.js';
import { globalOptions, type OptionSpec } from './options.js';
import { print } from './output.js';

/** One line for each command. */
export function commandsHelp(): string {
  return Object.entries(commands)
    .filter(([, { alias, hidden }]) => !alias && !hidden)
    .map(([name, { summary }]) => `  ${name.padEnd(11)}  ${summary}`)
    .join('\n');
}

/** One line for each option. */
export function optionsHelp(specs: readonly OptionSpec[]): string {
  return specs
    .map(({ long, short, value, help }) => {
      const name = `${short ? `-${short}, ` : '    '}--${long}${value ? ` ${value}` : ''}`;
      return `  ${name.padEnd(20)}  ${help}`;
    })
    .join('\n');
}

/** The list of commands. */
export function mainHelp(): string {
  return `Usage: node-finit [OPTION]… [COMMAND] [ARGUMENT…]

finit from Node.js, with the commands, options, output and exit codes of finit's initctl, and more. Without a command: status.

Commands:
${commandsHelp()}

Options, which may stand anywhere before --:
${optionsHelp(globalOptions)}

Exit codes: 0 done, 1 failed, 2 not understood, 3 no such command, 69 no such service; others stand in a command's help.
Colours only on a terminal, and never with NO_COLOR. More: docs/cli.md.`;
}

/**
 * The entry of a command.
 * @throws {Failure}
 */
export function findCommand(name: string): Entry {
  const entry = commands[name];
  if (entry) return entry;
  const names = Object.keys(commands).filter((one) => !commands[one]?.hidden);
  const hint = nearest(name, names);
  throw new Failure(
    EXIT.unknownCommand,
    `no command ${name}${hint === undefined ? '' : `, did you mean ${hint}?`}\nTry node-finit help`,
  );
}

/** Prints what a command does, or the list of commands. */
export async function printHelp(name: string | undefined): Promise<number> {
  print(name === undefined ? mainHelp() : (await findCommand(name).load()).help);
  return EXIT.ok;
}

export const command: Command = {
  help: `Usage: node-finit help [COMMAND]

Shows the list of commands, or what one does, as node-finit COMMAND --help.

Exit codes: 0, 3 no such command.`,
  run: async ([name]) => await printHelp(name),
};
