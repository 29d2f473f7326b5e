import type { Command } from "commander";
import { limits } from "#limits/index";
import type { Ending } from "../exit.js";
import { addrOption, duration, jsonOption, pair, whole } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds the subcommands of `worker` about those that are known by a certificate. */
export function addEnrollmentCommands(worker: Command, io: Io, end: Ending): void {
  const verbs = () => import("./enrollment.js");
  worker
    .command("invite")
    .description("Print a line that starts a worker on any machine, with a token of one use.")
    .requiredOption("--name <name>", "Its name, which is its id; of several, a number is added.")
    .option("--count <n>", "How many workers, a line each. Default: 1", whole(1, limits.invitesAtOnce))
    .option("--labels <name=value...>", "Labels that it has, whatever it says itself.", pair)
    .option("--namespaces <name...>", "Namespaces that it works for. Default: all that yours may be used for")
    .option("--agents <name...>", "Agents that it may run. Default: any")
    .option("--ttl <duration>", "How long the token can be used. Default: 15m", duration(1))
    .option(
      "--worker-addr <host:port>",
      "The server's address as the worker sees it. Default: that of --addr",
    )
    .addOption(jsonOption("Print JSON, one worker per line."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).inviteWorkers(options, io)));

  worker
    .command("enrolled")
    .description("List the workers that have a certificate.")
    .addOption(jsonOption("Print JSON, one worker per line."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listEnrolled(options, io)));

  worker
    .command("revoke <name>")
    .description("End a worker's certificates, streams and tokens, on all servers.")
    .option("--of <namespace>", "The namespace in its identity. Default: your own")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (name, options) => end((await verbs()).revokeWorker(name, options, io)));
}
