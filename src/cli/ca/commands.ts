import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `ca`, with its subcommands about the authority in a data directory. */
export function addCaCommands(program: Command, io: Io, end: Ending): void {
  const ca = program
    .command("ca")
    .description("Make, show and export the authority of a server with --tls auto.");
  const verbs = () => import("./ca.js");
  const withData = (name: string, says: string) =>
    ca
      .command(name)
      .description(says)
      .option("--data <dir>", "The data directory. Default: as for `server`")
      .option("--config <file>", "Read settings from this file instead of taskrun.toml.");
  withData("init", "Make the authority before the first start; one that is there is left as it is.")
    .addOption(jsonOption("Print what it is as JSON."))
    .action(async (options) => end((await verbs()).initAuthority(options, io)));
  withData("status", "Show the authority, its pin, and what signs for workers.")
    .addOption(jsonOption("Print it as JSON."))
    .action(async (options) => end((await verbs()).showAuthority(options, io)));
  withData(
    "export",
    "Print the authority's certificate, for clients that take a file. No key is printed.",
  ).action(async (options) => end((await verbs()).exportAuthority(options, io)));
}
