import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

export function addStoreCommands(program: Command, io: Io, end: Ending): void {
  const store = program.command("store").description("Check the data of a server that is not running.");
  store
    .command("verify")
    .description("Report all damage to the data: pages, indexes, rows, logs, graphs. Changes nothing.")
    .option("--data <dir>", "The data directory. Default: as for `server`")
    .option("--config <file>", "Read settings from this file instead of taskrun.toml.")
    .addOption(jsonOption("Print JSON, one finding per line."))
    .action(async (options) => end((await import("./store-verify.js")).verifyStore(options, io)));
}
