import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption, whole } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `audit`, with its subcommands about who did what. */
export function addAuditCommands(program: Command, io: Io, end: Ending): void {
  const audit = program
    .command("audit")
    .description("Read the audit log: who did what, and what was refused.");
  audit
    .command("list")
    .description("List the newest entries.")
    .option("--limit <count>", "At most so many. Default: 50", whole(1, 100_000))
    .addOption(jsonOption("Print JSON, one entry per line."))
    .addOption(addrOption())
    .action(async (options) => end((await import("./list.js")).listAudit(options, io)));

  audit
    .command("export")
    .description("Print all entries, by chain and number, one JSON object per line: what verify takes.")
    .addOption(addrOption())
    .action(async (options) => end((await import("./list.js")).exportAudit(options, io)));

  audit
    .command("verify [file]")
    .description("Find out whether an export, or without a file the log of a server, is whole and unchanged.")
    .option(
      "--checkpoints <file>",
      "The file of signed checkpoints: without it an end that was cut off is not noticed",
    )
    .option("--key <key>", "The public key that must have signed them, as the checkpoints name it")
    .addOption(addrOption())
    .action(async (file, options) => end((await import("./verify.js")).verifyAudit(file, options, io)));
}
