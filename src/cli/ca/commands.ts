import { Argument, type Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `ca`, with its subcommands about the authority in a data directory. */
export function addCaCommands(program: Command, io: Io, end: Ending): void {
  const ca = program
    .command("ca")
    .description("Make, show, export and rotate the authority of a server with --tls auto.");
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
  ca.command("status")
    .description("Show the authority, its pin, what signs for workers, and where a rotation stands.")
    .option("--config <file>", "Read settings from this file instead of taskrun.toml.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).showAuthority(options, io)));
  withData(
    "export",
    "Print the authority's certificate, for clients that take a file. No key is printed.",
  ).action(async (options) => end((await verbs()).exportAuthority(options, io)));
  ca.command("rotate")
    .description("Put another authority in the place of the one in use, one phase after the other.")
    .addArgument(
      new Argument("[phase]", "The phase to go to. Default: the next one.").choices([
        "init",
        "update-clients",
        "update-servers",
        "standby",
        "rollback",
      ]),
    )
    .option("--force", "Go on although workers or servers are left behind; they are listed.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (phase, options) => end((await import("./rotate.js")).rotateAuthority(phase, options, io)));
}
