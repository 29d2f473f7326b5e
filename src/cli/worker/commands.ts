import { type Command, Option } from "commander";
import { workerStatuses } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { Ending } from "../exit.js";
import { ALL, addrOption, duration, jsonOption, oneOf, pair, whole } from "../options.js";
import { suggestion } from "../suggest.js";
import type { Io } from "../terminal/io.js";
import { addEnrollmentCommands } from "./enrollment-commands.js";

/** Adds `worker`, which runs agents, and its subcommands about connected workers. */
export function addWorkerCommands(program: Command, io: Io, end: Ending): void {
  const worker = program
    .command("worker")
    .description("Run agents for a server, or list and drain the connected workers.")
    .enablePositionalOptions()
    .option(
      "--agent <name...>",
      "Built-in agents: support_triage, repo_report; claude, which runs Claude Code; openai, which asks a model.",
    )
    .option("--model <name>", "Model of the agent that asks one. Default: what its program is set up for")
    .option("--base-url <url>", "Server of openai's model. OPENAI_BASE_URL; OPENAI_API_KEY is its key")
    .option("--working-dir <dir>", "Folder that claude works in. Default: this one")
    .option(
      "--allowed-tools <tool...>",
      'Tools that claude may use without being asked: Read "Bash(git log:*)".',
    )
    .option("--disallowed-tools <tool...>", "Tools that claude may not use.")
    .option("--permission-mode <mode>", "How claude decides about other tools.")
    .option(
      "--exec <name=command...>",
      "Programs: JSON on stdin, text on stdout. Split into words, without a shell.",
    )
    .option("--exec-jsonl <name=command...>", 'Programs that write JSON Lines; {"result": …} is the result.')
    .option("--exec-steps <name...>", "Names of those programs that do durable steps: see docs/agents.md.")
    .option("--module <file...>", "Files that export agents.")
    .option("--config <file>", "A file that describes agents: worker.toml.")
    .option("--max-runs <n>", "Concurrent runs. Default: 10", whole(1, limits.maxRunsPerWorker))
    .option(
      "--id <id>",
      "Id of this worker, unique. Default: the name of its invitation, else the host's name and a random suffix",
    )
    .option(
      "--identity-dir <dir>",
      "Folder of the key and certificate of an invited worker. TASKRUN_TOKEN is its token. TASKRUN_IDENTITY_DIR; default: .taskrun/workers/ and the id of the token",
    )
    .option("--label <name=value...>", "Labels that tasks can select it by.", pair)
    .option("--namespace <name...>", "Namespaces whose tasks it takes. Default: all")
    .option(
      "--drain <duration>",
      "How long a drain waits before it hands runs back. Default: 20s",
      duration(),
    )
    .option(
      "--otlp <url>",
      "Collector that traces are sent to, by OTLP over HTTP. TASKRUN_OTLP; default: none",
    )
    .addOption(addrOption())
    .addHelpText(
      "after",
      "\nWithout --agent, --exec, --exec-jsonl, --module and --config it runs the built-in agents.",
    )
    // Refused below, with a better message than commander's about too many arguments.
    .allowExcessArguments()
    .action(async (options, command: Command) => {
      refuseWord(command);
      await end((await import("./run.js")).runWorker(options, io));
    });
  addFleetCommands(worker, io, end);
}

/** Refuses a word that is no subcommand, which would otherwise start a worker. */
function refuseWord(worker: Command): void {
  const [word] = worker.args;
  if (word === undefined) return;
  const verbs = worker.commands.map((command) => command.name()).filter((name) => name !== "help");
  const near = suggestion(word, verbs);
  const all = `Commands are ${verbs.join(", ")}; \`worker\` alone runs agents.`;
  worker.error(`error: unknown command '${word}'${near.includes("?") ? near : ""}\n${all}`);
}

function addFleetCommands(worker: Command, io: Io, end: Ending): void {
  const verbs = () => import("./workers.js");
  worker
    .command("list")
    .description("List the connected workers.")
    .option("--agent <name>", "Only workers that run this agent.")
    .addOption(
      new Option("--status <status>", "Only workers of this status.")
        .choices(workerStatuses)
        .argParser(oneOf(workerStatuses)),
    )
    .option("--namespace <name>", `Only workers that take tasks of this namespace; "${ALL}" is any.`)
    .addOption(jsonOption("Print JSON, one worker per line."))
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listWorkers(options, io)));

  worker
    .command("get <id>")
    .description("Show a worker and its agents.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).getWorker(id, options, io)));

  addEnrollmentCommands(worker, io, end);
  worker
    .command("drain <id>")
    .description("Assign a worker no more runs, and let it finish or hand back those it holds.")
    .option("--reason <text>", "Why, for people.")
    .addOption(jsonOption("Print the worker as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).drainWorker(id, options, io)));
}
