import type { Command, Option } from "commander";
import type { Ending } from "../exit.js";
import { jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/**
 * Adds `config`, which is about the settings of a server.
 *
 * @param settings the options of all settings; none where no command of `config` is called
 */
export function addConfigCommands(program: Command, settings: readonly Option[], io: Io, end: Ending): void {
  const config = program
    .command("config")
    .description("Check, show and explain the settings of a server, without starting one.");
  const verbs = () => import("./config.js");
  const withSettings = (command: Command) => {
    command.option("--config <file>", "Read settings from this file instead of taskrun.toml.");
    for (const option of settings) command.addOption(option);
    return command;
  };

  withSettings(config.command("check"))
    .description("Report everything that is wrong with the file, the variables and the options.")
    .addOption(jsonOption("Print it as JSON."))
    .action(async (options) => end((await verbs()).checkConfig(options, io)));

  withSettings(config.command("show"))
    .description("Show every setting, its value, and where that comes from. Passwords are not shown.")
    .option("--given", "Only settings that are not at their default.")
    .addOption(jsonOption("Print it as JSON."))
    .action(async (options) => end((await verbs()).showConfig(options, io)));

  config
    .command("explain")
    // An option of the server is a name here.
    .allowUnknownOption()
    .option("--config <file>", "Read settings from this file instead of taskrun.toml.")
    .description("Explain a setting: what it does, what it may be, its default and its present value.")
    .argument("<name>", "The setting, its option or its variable: lease, --lease or TASKRUN_LEASE.")
    .addOption(jsonOption("Print it as JSON."))
    .action(async (name, options) => end((await verbs()).explainSetting(name, options, io)));
}
