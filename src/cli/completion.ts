import type { Command, Option } from "commander";
import { shellWord } from "#domain/text/shell-word";

/**
 * The shells with completion. Each one's script asks this program for candidates, `taskrun complete -- WORDS…`, so that they
 * always match the installed version.
 */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** How the program was started: what its user types, and its file. */
export interface Started {
  readonly self: string;
  readonly script: string;
}

/**
 * Returns the script for a shell. It finds the program in the way in which it was started: `taskrun` if it is installed
 * globally; else by its file, and if that is gone, by npx, which must not ask to install anything. Where people type
 * `npx taskrun`, it completes that as well.
 */
export function completionScript(shell: Shell, { self, script }: Started): string {
  const file = shellWord(script);
  const viaFile = `node ${file} complete --`;
  const call = self === "taskrun" || script === "" ? `${self} complete --` : viaFile;
  const fallback = self.startsWith("npx") && script !== "";
  const viaNpx = "npx --no taskrun complete --";
  return scripts[shell]({ self, call, fallback: fallback ? { file, call: viaNpx } : undefined });
}

interface Parts {
  readonly self: string;
  /** The command that prints the candidates for the words that follow it. */
  readonly call: string;
  /** What is called if a file is gone. */
  readonly fallback: { readonly file: string; readonly call: string } | undefined;
}

const scripts: Readonly<Record<Shell, (parts: Parts) => string>> = {
  bash: ({
    self,
    call,
    fallback,
  }) => `# taskrun completion for bash. Load it with: source <(${self} completion bash)
_taskrun_complete() {
${shellCall({ call, fallback })}
}
_taskrun() {
  local IFS=$'\\n' at=0
  # Under npx the command is one of its words.
  while [ "$at" -lt "$COMP_CWORD" ] && [ "\${COMP_WORDS[at]##*/}" != taskrun ]; do at=$((at + 1)); done
  COMPREPLY=()
  [ "$at" -lt "$COMP_CWORD" ] || return 0
  COMPREPLY=($(_taskrun_complete "\${COMP_WORDS[@]:at+1:COMP_CWORD-at}" 2>/dev/null </dev/null))
}
complete -o default -F _taskrun taskrun${underNpx(self) ? " npx" : ""}
`,
  zsh: ({ self, call, fallback }) => `#compdef taskrun
# taskrun completion for zsh. Load it with: source <(${self} completion zsh)
_taskrun_complete() {
${shellCall({ call, fallback })}
}
_taskrun() {
  local -a found
  local -i at=1
  # Under npx the command is one of its words.
  while (( at < CURRENT )) && [[ "\${words[at]:t}" != taskrun ]]; do (( at += 1 )); done
  if (( at < CURRENT )); then
    found=("\${(@f)$(_taskrun_complete "\${(@)words[at+1,CURRENT]}" 2>/dev/null </dev/null)}")
  fi
  [[ -n "$found" ]] && compadd -a found || _files
}
compdef _taskrun taskrun${underNpx(self) ? " npx" : ""}
`,
  fish: ({
    self,
    call,
    fallback,
  }) => `# taskrun completion for fish. Load it with: ${self} completion fish | source
function _taskrun_complete
${fishCall({ call, fallback })}
end
function _taskrun
  set -l words (commandline -opc)
  # Under npx the command is one of its words.
  while set -q words[1]; and test (string replace -r '.*/' '' -- $words[1]) != taskrun
    set -e words[1]
  end
  set -q words[1]; or return
  _taskrun_complete $words[2..] (commandline -ct | string collect --allow-empty) 2>/dev/null </dev/null
end
complete -c taskrun -a '(_taskrun)'
${underNpx(self) ? "complete -c npx -n '__fish_seen_subcommand_from taskrun' -a '(_taskrun)'\n" : ""}`,
};

function underNpx(self: string): boolean {
  return self.startsWith("npx");
}

function shellCall({ call, fallback }: Pick<Parts, "call" | "fallback">): string {
  if (!fallback) return `  ${call} "$@"`;
  return `  if [ -f ${fallback.file} ]; then ${call} "$@"; else ${fallback.call} "$@"; fi`;
}

function fishCall({ call, fallback }: Pick<Parts, "call" | "fallback">): string {
  if (!fallback) return `  ${call} $argv`;
  return `  if test -f ${fallback.file}\n    ${call} $argv\n  else\n    ${fallback.call} $argv\n  end`;
}

/**
 * Returns the candidates for the last of `words`, which may be incomplete: values of the option before it, options after a
 * dash, otherwise commands. None where the value is free.
 */
export function candidates(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? "";
  // `help` is followed by the words of a command.
  const before = words.slice(0, -1).filter((word, i) => word !== "help" || i > 1);
  const command = commandOf(program, before);

  const asked = optionOf(command, before.at(-1));
  if (asked && takesValue(asked)) return startingWith(typed, asked.argChoices ?? []);
  if (typed.startsWith("-")) return startingWith(typed, visibleOptions(command));

  const commands = command.createHelp().visibleCommands(command);
  const fixed = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return startingWith(typed, [...commands.map((each) => each.name()), ...fixed]);
}

/** What names are of, that somebody else knows: a server, or a file of this user. */
export type NameKind =
  | "agents"
  | "deadLetters"
  | "namespaces"
  | "profiles"
  | "settings"
  | "tasks"
  | "templates"
  | "workers";

/** Options whose values are such names, in every command. */
const ofOptions: Readonly<Record<string, NameKind>> = {
  "--agent": "agents",
  "--namespace": "namespaces",
  "--parent": "tasks",
  "--profile": "profiles",
  "--template": "templates",
};

/** Arguments that are such names, by the command that the verb is of, and the argument. */
const ofArguments: Readonly<Record<string, NameKind>> = {
  "task id": "tasks",
  "taskrun id": "tasks",
  "dlq id": "deadLetters",
  "worker id": "workers",
  "agent name": "agents",
  "template name": "templates",
  "template template": "templates",
  "profile name": "profiles",
  "config name": "settings",
};

/** What the last of the words may be a name of; undefined if it is none, or its values are fixed. */
export function nameKindOf(program: Command, words: readonly string[]): NameKind | undefined {
  const before = words.slice(0, -1);
  const command = commandOf(program, before);
  const asked = optionOf(command, before.at(-1));
  if (asked && takesValue(asked)) return asked.argChoices ? undefined : ofOptions[asked.long ?? ""];
  if ((words.at(-1) ?? "").startsWith("-")) return undefined;

  const { registeredArguments: all } = command;
  const argument = all[positionals(command, before)] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
  return argument && ofArguments[`${command.parent?.name() ?? ""} ${argument.name()}`];
}

/** How many arguments of the command are there: without its own words, its options and their values. */
function positionals(command: Command, words: readonly string[]): number {
  const rest = words.slice(depthOf(command));
  return rest.filter((word, i) => {
    const option = optionOf(command, rest[i - 1]);
    return !word.startsWith("-") && !(option && takesValue(option));
  }).length;
}

function depthOf(command: Command): number {
  return command.parent ? depthOf(command.parent) + 1 : 0;
}

/** The values of some options among the words, by their attributes. */
export function optionValues(program: Command, words: readonly string[]): Record<string, string> {
  const command = commandOf(program, words);
  const values = words.flatMap((word, i) => {
    const [name, inline] = word.startsWith("--") ? word.split("=", 2) : [word];
    const option = optionOf(command, name);
    const value = inline ?? words[i + 1];
    return option?.required && value !== undefined ? [[option.attributeName(), value] as const] : [];
  });
  return Object.fromEntries(values);
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
