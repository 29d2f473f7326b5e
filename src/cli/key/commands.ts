import type { Command } from "commander";
import { builtInRoleNames } from "#domain/access/roles";
import type { Ending } from "../exit.js";
import { addrOption, duration, jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `key`, with its subcommands about API keys. */
export function addKeyCommands(program: Command, io: Io, end: Ending): void {
  const key = program.command("key").description("Make, list, replace and revoke API keys.");
  const verbs = () => import("./keys.js");
  key
    .command("create")
    .description("Make a key, and print it: it is shown once.")
    .requiredOption(
      "--role <role>",
      `What it may do: ${builtInRoleNames.join(", ")}, or a role of the server's configuration.`,
    )
    .option("--name <text>", "What it is for. Default: the role")
    .option(
      "--namespaces <name...>",
      "Namespaces it may be used for. Default: all that yours may be used for",
    )
    .option("--ttl <duration>", "How long it lasts. Default: 90d", duration(1))
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).createKey(options, io)));

  key
    .command("list")
    .description("List the keys.")
    .addOption(jsonOption("Print JSON, one key per line."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listKeys(options, io)));

  key
    .command("rotate <id>")
    .description("Make a key in the place of another one, which ends after the overlap.")
    .option("--overlap <duration>", "How long the old one can still be used. Default: 1d", duration(1))
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).rotateKey(id, options, io)));

  key
    .command("revoke <id>")
    .description("End a key at once.")
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).revokeKey(id, options, io)));
}
