import { type Command, Option } from "commander";
import { limits } from "#domain/limits";
import { workerStatuses } from "#domain/worker";
import type { Ending } from "./exit.js";
import type { Io } from "./io.js";
import { addrOption, duration, jsonOption, oneOf, pair, whole } from "./options.js";
import { suggestion } from "./suggest.js";

/** `worker` runs agents when it stands alone, and has commands about workers below it. */
export function addWorkerCommands(program: Command, io: Io, end: Ending): void {
  const worker = program
    .command("worker")
    .description("Run agents for a server, or look at the workers that do.")
    .enablePositionalOptions()
    .option("--agent <name...>", "Agents that come with taskrun: support_triage, repo_report.")
    .option(
      "--exec <name=command...>",
      "Programs: JSON on stdin, text on stdout. Split like a shell would, no shell.",
    )
    .option("--exec-jsonl <name=command...>", 'Programs that write JSON Lines; {"result": …} is the result.')
    .option("--module <file...>", "Files that export agents.")
    .option("--max-runs <n>", "Runs at a time. Default: 10", whole(1, limits.maxRunsPerWorker))
    .option("--id <id>", "Its name among all workers. Default: the host's name and a random part")
    .option("--label <name=value...>", "Labels that tasks can select it by.", pair)
    .option("--namespace <name...>", "Namespaces it works for. Default: default")
    .option(
      "--drain <duration>",
      "How long leaving may take before runs are handed back. Default: 20s",
      duration,
    )
    .addOption(addrOption())
    .addHelpText(
      "after",
      "\nWith no --agent, --exec, --exec-jsonl or --module it runs the agents that come with taskrun.",
    )
    // Refused below, in better words than commander's, which speaks of too many arguments.
    .allowExcessArguments()
    .action(async (options, command: Command) => {
      refuseWord(command);
      await end((await import("./worker-run.js")).runWorker(options, io));
    });
  addFleetCommands(worker, io, end);
}

/** A word behind `worker` that is none of its commands would otherwise start a worker. */
function refuseWord(worker: Command): void {
  const [word] = worker.args;
  if (word === undefined) return;
  const verbs = worker.commands.map((command) => command.name());
  const near = suggestion(word, verbs);
  const all = `There are ${verbs.join(", ")}; alone, \`worker\` runs agents.`;
  worker.error(`error: unknown command '${word}'${near.includes("?") ? near : ""}\n${all}`);
}

function addFleetCommands(worker: Command, io: Io, end: Ending): void {
  const verbs = () => import("./workers.js");
  worker
    .command("list")
    .description("List the workers that are connected.")
    .option("--agent <name>", "Only those that run this agent.")
    .addOption(
      new Option("--status <status>", "Only those of this status.")
        .choices(workerStatuses)
        .argParser(oneOf(workerStatuses)),
    )
    .addOption(jsonOption("Print JSON, a worker a line."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listWorkers(options, io)));

  worker
    .command("get <id>")
    .description("Show a worker and its agents.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).getWorker(id, options, io)));

  worker
    .command("drain <id>")
    .description("Give a worker nothing new, and let it finish or hand back what it holds.")
    .option("--reason <text>", "Why, for people.")
    .addOption(jsonOption("Print the worker as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).drainWorker(id, options, io)));
}
