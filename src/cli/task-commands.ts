import { type Command, Option } from "commander";
import { limits } from "#domain/limits";
import { taskStatuses } from "#domain/task";
import type { Ending } from "./exit.js";
import type { Io } from "./io.js";
import { addrOption, duration, jsonOption, moment, namespaceOption, oneOf, pair, whole } from "./options.js";
import { addStepCommands } from "./step-commands.js";

const SEQ_MAX = Number.MAX_SAFE_INTEGER;

/** `taskrun task …`. What each command does is loaded when it is used. */
export function addTaskCommands(program: Command, io: Io, end: Ending): void {
  const task = program.command("task").description("Give tasks, read them, watch them, stop them.");
  addCreate(task, io, end);
  addReading(task, io, end);
  addChanging(task, io, end);
  addStepCommands(task, io, end);
}

function addCreate(task: Command, io: Io, end: Ending): void {
  task
    .command("create")
    .description("Create a task and print its id.")
    .option("--agent <name>", "The agent that is to do it.")
    .option("--template <name>", "NS/NAME@VERSION in place of an agent; NS/ and @VERSION may be left out.")
    .option("--input <json>", "JSON, @FILE, or - for standard input. Default: {}")
    .option("--watch", "Stay and show the output; ends when the task does.")
    .addOption(jsonOption("Print the task as JSON; with --watch its events, one a line."))
    .option("--label <name=value...>", "Labels to find it by.", pair)
    .option("--selector <name=value...>", "Labels a worker must carry.", pair)
    .option("--priority <n>", "-100 to 100, higher first. Default: 0", whole(-100, 100))
    .option("--timeout <duration>", "For the whole task, for example 5m. Default: none", duration)
    .option(
      "--attempts <n>",
      "How often a step is tried in all. Default: 1, or as the template says",
      whole(1, 100),
    )
    .option("--start-at <time>", "Not before this time, for example 2030-01-31T09:00Z.", moment)
    .option("--idempotency-key <key>", "Makes it safe to repeat the command.")
    .option("--correlation-id <id>", "Ties the task to records of your own.")
    .option("--created-by <name>", "Who asks. Default: $USER")
    .addOption(namespaceOption())
    .addOption(addrOption())
    .action(async (options) => end((await import("./task-create.js")).createTask(options, io)));
}

function addReading(task: Command, io: Io, end: Ending): void {
  const verbs = () => import("./task.js");
  task
    .command("get <id>")
    .description("Show a task with its runs and its result.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).getTask(id, options, io)));

  task
    .command("list")
    .description("List tasks, the newest first.")
    .addOption(
      new Option("--status <status>", "Only those of this status.")
        .choices(taskStatuses)
        .argParser(oneOf(taskStatuses)),
    )
    .option("--agent <name>", "Only those of this agent.")
    .option("--label <name=value...>", "Only those with these labels.", pair)
    .option("--limit <n>", "At most so many.", whole(1, limits.listRows), 100)
    .addOption(jsonOption("Print JSON, a task a line."))
    .addOption(namespaceOption())
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listTasks(options, io)));

  task
    .command("watch <id>")
    .description("Show what happens to a task until it ends: output on stdout, the rest on stderr.")
    .option("--after-seq <n>", "Only what came after this event.", whole(0, SEQ_MAX))
    .addOption(jsonOption("Print JSON, an event a line."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).watchTask(id, options, io)));
}

function addChanging(task: Command, io: Io, end: Ending): void {
  const verbs = () => import("./task.js");
  task
    .command("cancel <id>")
    .description("Cancel a task, at once and for good.")
    .option("--reason <text>", "Why, for people.")
    .addOption(jsonOption("Print the task as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).cancelTask(id, options, io)));

  task
    .command("retry <id>")
    .description("Do an ended task again, as a new task, and print the new id.")
    .option("--idempotency-key <key>", "Makes it safe to repeat the command.")
    .option("--watch", "Stay and show the output; ends when the task does.")
    .addOption(jsonOption("Print the task as JSON; with --watch its events, one a line."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).retryTask(id, options, io)));
}
