import type { Command, Option } from "commander";

/**
 * The shells with completion. Each one's script calls `taskrun complete -- WORDS…`, so that candidates always match the
 * installed version.
 */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# taskrun completion for bash. Load it with: source <(taskrun completion bash)
_taskrun() {
  local IFS=$'\\n'
  COMPREPLY=($(taskrun complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _taskrun taskrun
`,
  zsh: `#compdef taskrun
# taskrun completion for zsh. Load it with: source <(taskrun completion zsh)
_taskrun() {
  local -a found
  found=("\${(@f)$(taskrun complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "$found" ]] && compadd -a found || _files
}
compdef _taskrun taskrun
`,
  fish: `# taskrun completion for fish. Load it with: taskrun completion fish | source
complete -c taskrun -a '(taskrun complete -- (commandline -opc)[2..] (commandline -ct | string collect --allow-empty) 2>/dev/null)'
`,
};

export function completionScript(shell: Shell): string {
  return scripts[shell];
}

/**
 * Returns the candidates for the last of `words`, which may be incomplete: values of the option before it, options after a
 * dash, otherwise commands. None where the value is free.
 */
export function candidates(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const command = commandOf(program, before);

  const asked = optionOf(command, before.at(-1));
  if (asked && takesValue(asked)) return startingWith(typed, asked.argChoices ?? []);
  if (typed.startsWith("-")) return startingWith(typed, visibleOptions(command));

  const commands = command.createHelp().visibleCommands(command);
  const fixed = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return startingWith(typed, [...commands.map((each) => each.name()), ...fixed]);
}

function commandOf(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command;
  return command;
}

function optionOf(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(({ long, short }) => word !== undefined && (word === long || word === short));
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function visibleOptions(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
}

function startingWith(typed: string, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(typed) && word !== "help");
}
