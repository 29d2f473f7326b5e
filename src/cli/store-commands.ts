import type { Command } from "commander";
import type { Ending } from "./exit.js";
import type { Io } from "./io.js";
import { jsonOption } from "./options.js";

export function addStoreCommands(program: Command, io: Io, end: Ending): void {
  const store = program.command("store").description("Look after the data of a server that is not running.");
  store
    .command("verify")
    .description("Say all that is wrong with the data: pages, indexes, rows, logs, graphs. Changes nothing.")
    .option("--data <dir>", "The data directory; default as for `server`.")
    .option("--config <file>", "Read settings from this file in place of taskrun.toml.")
    .addOption(jsonOption("Print JSON, a finding a line."))
    .action(async (options) => end((await import("./store-verify.js")).verifyStore(options, io)));
}
