import type { Command } from "commander";
import { limits } from "#limits/index";
import type { Ending, ExitCode } from "../exit.js";
import {
  addrOption,
  amountOf,
  budget,
  duration,
  jsonOption,
  moment,
  namespaceOption,
  namespacesOption,
  pair,
  whole,
} from "../options.js";
import type { Io } from "../terminal/io.js";
import { addBulkOptions, type BulkOptions, checkIds } from "./bulk-options.js";
import { addFilterOptions } from "./filter-options.js";
import { addStepCommands } from "./step-commands.js";

const SEQ_MAX = Number.MAX_SAFE_INTEGER;

/** `taskrun task …`. What each command does is loaded when it is used. */
export function addTaskCommands(program: Command, io: Io, end: Ending): void {
  const task = program
    .command("task")
    .description("Create, read, watch and cancel tasks.")
    .addHelpText(
      "after",
      "\nAn ID may be cut to a beginning, of 8 characters or more, that no other task has.",
    );
  addCreate(task, io, end);
  addReading(task, io, end);
  addWaiting(task, io, end);
  addChanging(task, io, end);
  addStepCommands(task, io, end);
}

function addCreate(task: Command, io: Io, end: Ending): void {
  task
    .command("create")
    .description("Create a task and print its id.")
    .option("--agent <name>", "The agent that does the task.")
    .option("--template <name>", "NS/NAME@VERSION instead of an agent; NS/ and @VERSION are optional.")
    .option("--input <json>", "JSON, @FILE, or - for standard input. Default: {}")
    .option("--wait", "Wait until the task ends, and print its result.")
    .option("--watch", "Show the output until the task ends.")
    .addOption(
      jsonOption("Print the task as JSON; with --wait the ended one, with --watch its events, one per line."),
    )
    .option("--label <name=value...>", "Labels of the task, for lists.", pair)
    .option("--selector <name=value...>", "Labels that a worker must have.", pair)
    .option("--priority <n>", "-100 to 100, higher first. Default: 0", whole(-100, 100))
    .option("--timeout <duration>", "Limit of the whole task, for example 5m. Default: none", duration(1))
    .option(
      "--attempts <n>",
      "Attempts of each step, the first included. Default: 1, or the template's",
      whole(1, 100),
    )
    .option(
      "--max-losses <n>",
      "Runs of each step that may be lost with their worker. Default: 3, or the template's",
      whole(0, limits.maxLosses),
    )
    .option(
      "--budget <bounds>",
      "What it and the tasks below it may use: tokens=1M,usd=5,tool-calls=200,wall=2h. Default: as the server says",
      budget,
    )
    .option("--start-at <time>", "Do not start before: 2030-01-31T09:00Z, or Unix milliseconds.", moment)
    .option("--idempotency-key <key>", "Make it safe to repeat the command.")
    .option("--correlation-id <id>", "An id of your own records.")
    .option("--created-by <name>", "Who creates it. Default: $USER")
    .addOption(namespaceOption())
    .addOption(addrOption())
    .action(async (options) => end((await import("./create.js")).createTask(options, io)));
}

function addReading(task: Command, io: Io, end: Ending): void {
  const verbs = () => import("./task.js");
  task
    .command("get <id>")
    .description("Show a task with its steps, runs and result.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).getTask(id, options, io)));

  task
    .command("explain <id>")
    .description("Say why a task is where it is: what it waits for, what failed first, and what can be done.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await import("./explain.js")).explainTask(id, options, io)));

  addFilterOptions(task.command("list").description("List tasks, newest first."))
    .option("--limit <n>", "Number of tasks at most.", whole(1, limits.listRows), 100)
    .option("--watch", "Show them until q or Ctrl-C; in a pipe a line for each that is new or has changed.")
    .addOption(jsonOption("Print JSON, a task a line."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await import("./list.js")).listTasks(options, io)));

  task
    .command("watch <id>")
    .description("Show a task's events until it ends: output on stdout, the rest on stderr.")
    .option("--after-seq <n>", "Only events after this one.", whole(0, SEQ_MAX))
    .addOption(jsonOption("Print JSON, one event per line."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).watchTask(id, options, io)));
}

function addWaiting(task: Command, io: Io, end: Ending): void {
  task
    .command("wait <id...>")
    .description("Wait until tasks have ended, and print how.")
    .addOption(jsonOption("Print the task as JSON; of several an array, with the errors of those refused."))
    .addOption(addrOption())
    .action(async (ids, options) => end((await import("./wait.js")).waitTasks(ids, options, io)));

  task
    .command("result <id>")
    .description("Print the whole result of a completed task, as JSON.")
    .addOption(jsonOption("Print it on one line."))
    .addOption(addrOption())
    .action(async (id, options) => end((await import("./task.js")).printResult(id, options, io)));
}

function addChanging(task: Command, io: Io, end: Ending): void {
  const verbs = () => import("./task.js");
  addBulkOptions(task.command("cancel [id...]").description("Cancel tasks."))
    .option("--reason <text>", "Why, for people.")
    .addOption(jsonOption("Print the task as JSON; of several an array, with the errors of those refused."))
    .addOption(addrOption())
    .action(async (ids, options) =>
      end(
        orAll("cancel", ids, options, io, async () =>
          (await import("./cancel.js")).cancelTasks(ids, options, io),
        ),
      ),
    );

  task
    .command("topup <id>")
    .description("Raise a task's budget; one that is held because it was used up goes on.")
    .option("--tokens <n>", "Tokens to add, for example 500k.", amountOf("tokens", "tokens"))
    .option("--usd <amount>", "Dollars to add, for example 2.50.", amountOf("usdMicros", "usd"))
    .option("--tool-calls <n>", "Calls of tools to add.", amountOf("toolCalls", "tool-calls"))
    .option("--wall <duration>", "Time for which its runs may be held, to add.", amountOf("wallMs", "wall"))
    .option("--reason <text>", "Why, for people; the audit log tells it.")
    .option("--request-id <id>", "Make it safe to repeat the command.")
    .addOption(jsonOption("Print the task as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await import("./top-up.js")).topUpTask(id, options, io)));

  addBulkOptions(
    task
      .command("fork [id]")
      .description("Go on from what an ended task has done, as a new task, and print the new id."),
  )
    .option(
      "--from <step>",
      "The step to do anew, with all after it; `failed` for what failed. Default: failed",
    )
    .option(
      "--input <json>",
      "Another input: JSON, @FILE, or -. Results that are kept were made with the old one.",
    )
    .option("--idempotency-key <key>", "Make it safe to repeat the command.")
    .option("--reason <text>", "Why, for people; the audit log tells it.")
    .option("--watch", "Show the output until the task ends.")
    .addOption(jsonOption("Print the task as JSON; with --watch its events, one per line."))
    .addOption(addrOption())
    .action(async (id, options) =>
      end(
        orAll("fork", [id], options, io, async () => (await import("./fork.js")).forkTask(id, options, io)),
      ),
    );

  addBulkOptions(
    task.command("retry [id]").description("Run an ended task again as a new task, and print the new id."),
  )
    .option("--idempotency-key <key>", "Make it safe to repeat the command.")
    .option("--reason <text>", "Why, for people; the audit log tells it.")
    .option("--watch", "Show the output until the task ends.")
    .addOption(jsonOption("Print the task as JSON; with --watch its events, one per line."))
    .addOption(addrOption())
    .action(async (id, options) =>
      end(orAll("retry", [id], options, io, async () => (await verbs()).retryTask(id, options, io))),
    );
}

/** Does it with the tasks that are named, or with `--all` with those of a filter. */
async function orAll(
  action: "cancel" | "retry" | "fork",
  ids: readonly (string | undefined)[],
  options: BulkOptions,
  io: Io,
  withIds: () => Promise<ExitCode>,
): Promise<ExitCode> {
  checkIds(ids, options);
  if (!options.all) return withIds();
  return (await import("./bulk.js")).bulk(action, `task ${action}`, options, io);
}
