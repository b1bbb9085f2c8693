import { spawnSync } from 'node:child_process';
import { EXIT } from './command.js';

/** As do_edit() in src/serv.c: Debian's, then the user's, then what there is. The path is $1, so that no shell reads it. */
const EDITORS = [
  'sensible-editor "$1"',
  'editor "$1"',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  '${VISUAL:-${EDITOR:-$(command -v mg || command -v vi)}} "$1"',
];

/** Opens a file in the first editor that there is. */
export async function edit(path: string): Promise<number> {
  for (const editor of EDITORS) {
    const { status } = spawnSync('/bin/sh', ['-c', `${editor} 2>/dev/null`, 'sh', path], {
      stdio: 'inherit',
    });
    if (status === 0) return EXIT.ok;
  }
  return EXIT.failed;
}
