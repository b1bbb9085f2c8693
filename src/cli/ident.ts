import * as services from '../services/index.js';
import { type Command, EXIT } from './command.js';
import { PATIENCE } from './flags.js';
import { inlineJson } from './json.js';
import { print } from './output.js';

export const command: Command = {
  help: `Usage: node-finit ident [-j] [NAME…]

The identities of all services, or of those with a NAME: NAME, or NAME:ID for each instance. Upper and lower case are the same.

  -j, --json  an array

Exit codes: 0; 1 finit cannot be asked.`,
  async run(names, { json }) {
    const all = await services.list({ timeout: PATIENCE });
    const wanted = names.map((name) => name.toLowerCase().replace(/:.*/, ''));
    const identities = all
      .filter(({ name }) => wanted.length === 0 || wanted.includes(name.toLowerCase()))
      .map(({ identity }) => identity);
    print(...(json ? [inlineJson(identities)] : identities));
    return EXIT.ok;
  },
};
