import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, namespaceOption, profileOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `login`, `logout` and `profiles`. */
export function addLoginCommands(program: Command, io: Io, end: Ending): void {
  const verbs = () => import("./login.js");
  program
    .command("login")
    .description(
      "Keep an API key for a server. It is read from a prompt that does not show it, or from standard input.",
    )
    .option("--no-check", "Keep it without asking the server whether it counts.")
    .addOption(addrOption())
    .addOption(namespaceOption())
    .action(async (options) => end((await verbs()).login(options, io)));

  program
    .command("logout")
    .description("Forget an API key that login has kept. It counts until it is revoked.")
    .addOption(profileOption())
    .action(async (options) => end((await verbs()).logout(options, io)));

  program
    .command("profiles")
    .description("List the profiles that login has made.")
    .action(async () => end((await verbs()).listProfiles(io)));
}
