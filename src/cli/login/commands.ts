import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption, namespaceOption, profileOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `login`, `logout` and `profile`; `profiles` is an older name of `profile list`. */
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

  addProfileCommands(program, io, end);
  program
    .command("profiles", { hidden: true })
    .description("List the profiles that login has made.")
    .action(async () => end((await verbs()).listProfiles(io)));
}

function addProfileCommands(program: Command, io: Io, end: Ending): void {
  const verbs = () => import("./profile-verbs.js");
  const profile = program
    .command("profile")
    .description("Servers that `login` has kept: list, show, use and remove them.");
  profile
    .command("list")
    .description("List the profiles; the one in use has a star.")
    .addOption(jsonOption("Print JSON, a profile a line."))
    .action(async (options) => end((await verbs()).listAll(options, io)));
  profile
    .command("show <name>")
    .description(
      "Show a profile: its server, whom it trusts, and which credential it has, but not the secret.",
    )
    .addOption(jsonOption("Print it as JSON."))
    .action(async (name, options) => end((await verbs()).showProfile(name, options, io)));
  profile
    .command("use [name]")
    .description("Use it where nothing else names a server or a credential; without a name, use none.")
    .action(async (name) => end((await verbs()).useAsDefault(name, io)));
  profile
    .command("remove <name>")
    .description("Forget it, with its credential. A key counts until it is revoked.")
    .action(async (name) => end((await verbs()).forgetProfile(name, io)));
}
