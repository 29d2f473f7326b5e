import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption, namespacesOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `agent`, with the commands about announced agents. */
export function addAgentCommands(program: Command, io: Io, end: Ending): void {
  const agent = program
    .command("agent")
    .description("List and show the agents that workers have announced, and those that steps wait for.");
  const verbs = () => import("./agents.js");
  agent
    .command("list")
    .description("List the agents, with their workers, slots and waiting steps.")
    .addOption(namespacesOption())
    .addOption(jsonOption("Print JSON, one agent per line."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listAgents(options, io)));

  agent
    .command("get <name>")
    .description("Show an agent: its policies and the schema of its input.")
    .option("--namespace <name>", "The namespace whose tasks it takes.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (name, options) => end((await verbs()).getAgent(name, options, io)));
}
