import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { jsonOption, moment, oneOf } from "../options.js";
import type { Io } from "../terminal/io.js";

/** The commands that move ended Tasks from one store to another. They open the store themselves, and call no server. */
export function addArchiveCommands(program: Command, io: Io, end: Ending): void {
  const of = (command: Command) =>
    command
      .option("--data <dir>", "The data directory. Default: as for `server`")
      .option("--store <store>", "sqlite, or the URL of a PostgreSQL database. Default: as for `server`")
      .option("--config <file>", "Read settings from this file instead of taskrun.toml.");

  of(program.command("export"))
    .description("Write ended tasks as JSON lines, with all that is theirs; a server may go on.")
    .option("--namespace <name...>", "Only tasks of these namespaces. Default: all")
    .option("--status <status>", "COMPLETED, FAILED or CANCELLED. Default: all of them", oneOf(ended))
    .option("--finished-before <time>", "Only tasks that finished before this time.", moment)
    .option("--out <file>", "Write this file, which must not be there yet. Default: stdout")
    .action(async (options) => end((await import("./archive.js")).exportStore(options, io)));
  of(program.command("import"))
    .description("Read what `export` has written into a store that no server uses. May be done again.")
    .argument("<file...>", "Files that `export` or a server with export-to has written.")
    .addOption(jsonOption("Print JSON."))
    .action(async (files, options) => end((await import("./archive.js")).importFiles(files, options, io)));
}

const ended = ["COMPLETED", "FAILED", "CANCELLED"] as const;
