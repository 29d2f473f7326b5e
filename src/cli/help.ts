import type { Command } from "commander";
import { suggestion } from "./suggest.js";

/**
 * Adds `help [command...]` to a command and to all of its groups: `help task create` is `task create --help`. Commander's
 * own understands one word only.
 */
export function addHelpCommand(group: Command): void {
  for (const command of group.commands) if (command.commands.length > 0) addHelpCommand(command);
  const help = group.createCommand("help").description("Explain a command.").argument("[command...]");
  help.copyInheritedSettings(group);
  // A name that is misspelt is no option of `help`.
  help.helpOption(false).action((words: string[]) => explain(group, words));
  group.helpCommand(false).addCommand(help);
}

function explain(group: Command, words: readonly string[]): void {
  let command = group;
  for (const word of words.filter((each) => each !== "help")) {
    const names = visibleNames(command);
    const found = command.commands.find((each) => each.name() === word && names.includes(word));
    if (!found) {
      const what = command.parent ? `${pathOf(command)} has no command` : "there is no command";
      const advice = names.length === 0 ? "; it has none" : suggestion(word, names);
      group.error(`error: ${what} '${word}'${advice}`);
    }
    command = found as Command;
  }
  command.help();
}

function visibleNames(command: Command): string[] {
  const names = command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name());
  return names.filter((name) => name !== "help");
}

function pathOf(command: Command): string {
  return command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
