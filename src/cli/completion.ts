import { type Command, EXIT, UsageError } from './command.js';
import { candidates } from './completion-words.js';
import { print } from './output.js';

/** Each script asks `node-finit __complete WORDS… LAST` for lines of `candidate<TAB>what it is`. */
const SCRIPTS: Record<string, (programs: readonly string[]) => string> = { bash, zsh, fish };

export const command: Command = {
  help: `Usage: node-finit completion bash|zsh|fish

Prints a script that completes commands, options, services, conditions and .conf files, also for initctl where that is a link to
node-finit.

  bash  source <(node-finit completion bash)          in ~/.bashrc
  zsh   source <(node-finit completion zsh)           in ~/.zshrc, after compinit
  fish  node-finit completion fish | source           in ~/.config/fish/config.fish

Exit code: 0.`,
  async run([shell = '', ...rest]) {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined || rest.length > 0) throw new UsageError('expected: completion bash|zsh|fish');
    print(script(['node-finit', 'initctl']));
    return EXIT.ok;
  },
};

export const complete: Command = {
  help: `Usage: node-finit __complete [WORD…] LAST

What LAST may become after the words of a command line, one in a line, with a tab and what it is. For the completion scripts.`,
  async run(words) {
    print(...(await candidates(words)).map(({ word, about }) => (about ? `${word}\t${about}` : word)));
    return EXIT.ok;
  },
};

/** Bash takes a colon for the end of a word: what stands before it is taken off again. */
function bash(programs: readonly string[]): string {
  return `# bash completion for node-finit
_node_finit() {
  local line=\${COMP_LINE:0:COMP_POINT} IFS=$' \\t\\n'
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  local current=\${words[\${#words[@]}-1]}
  local IFS=$'\\n' reply
  COMPREPLY=()
  for reply in $("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null); do
    reply=\${reply%%$'\\t'*}
    [[ $reply == "$current"* ]] || continue
    [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && reply=\${reply#"\${current%"\${current##*:}"}"}
    [[ $COMP_WORDBREAKS == *=* && $current == --*=* ]] && reply=\${reply#*=}
    COMPREPLY+=("$reply")
  done
  case \${COMPREPLY[0]-} in
    */ | *=) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -F _node_finit ${programs.join(' ')}`;
}

function zsh(programs: readonly string[]): string {
  return `#compdef ${programs.join(' ')}
_node_finit() {
  local -a lines shown plain
  local line
  lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    [[ -z $line ]] && continue
    plain+=("\${line%%$'\\t'*}")
    shown+=("\${line//$'\\t'/  -- }")
  done
  compadd -Q -l -d shown -a plain
}
compdef _node_finit ${programs.join(' ')}`;
}

function fish(programs: readonly string[]): string {
  const function_ = `function __node_finit_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    $program __complete $words (commandline -ct) 2>/dev/null
end`;
  return [
    '# fish completion for node-finit',
    function_,
    ...programs.map((name) => `complete -c ${name} -f -a '(__node_finit_complete)'`),
  ].join('\n');
}
