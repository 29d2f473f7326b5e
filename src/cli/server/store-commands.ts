import { type Command, Option } from "commander";
import type { Ending } from "../exit.js";
import { jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** The commands about the data itself: none of them calls a server. */
export function addStoreCommands(program: Command, io: Io, end: Ending): void {
  const store = program.command("store").description("Check, back up and restore the data of a server.");
  const data = () => new Option("--data <dir>", "The data directory. Default: as for `server`");
  const config = () => new Option("--config <file>", "Read settings from this file instead of taskrun.toml.");
  store
    .command("verify")
    .description(
      "Report all damage to the data: pages, indexes, rows, logs, graphs. Changes nothing; a server may go on.",
    )
    .addOption(data())
    .addOption(config())
    .addOption(jsonOption("Print JSON, one finding per line."))
    .action(async (options) => end((await import("./store-verify.js")).verifyStore(options, io)));
  store
    .command("backup")
    .description("Write a checked copy of the data to a file, or into a directory; a server may go on.")
    .argument("<file-or-dir>", "A file that is not there yet, or a directory.")
    .addOption(data())
    .addOption(config())
    .addOption(jsonOption("Print JSON."))
    .action(async (to, options) => end((await import("./store-backup.js")).backupStore(to, options, io)));
  store
    .command("restore")
    .description("Put a backup back, before a server starts on it. What workers had before is not accepted.")
    .argument("<file>", "What `store backup` has written.")
    .addOption(data())
    .addOption(config())
    .option("--replace", "Keep the data that is there under another name.")
    .addOption(jsonOption("Print JSON."))
    .action(async (from, options) =>
      end((await import("./store-backup.js")).restoreStore(from, options, io)),
    );
  store
    .command("stats")
    .description("Show what the tasks of each namespace take up; a server may go on.")
    .addOption(data())
    .option("--store <store>", "sqlite, or the URL of a PostgreSQL database. Default: as for `server`")
    .addOption(config())
    .addOption(jsonOption("Print JSON."))
    .action(async (options) => end((await import("./store-stats.js")).storeStats(options, io)));
  store
    .command("restored")
    .description(
      "Say that a PostgreSQL database has been restored from a backup, before a server starts on it.",
    )
    .option("--store <url>", "The URL of the database. Default: as for `server`")
    .addOption(config())
    .addOption(jsonOption("Print JSON."))
    .action(async (options) => end((await import("./store-restored.js")).storeRestored(options, io)));
}
