import type { Command } from "commander";
import type { Ending } from "./exit.js";
import type { Io } from "./io.js";
import { addrOption, jsonOption } from "./options.js";

/** What can be seen of a task's steps, and done with them. */
export function addStepCommands(task: Command, io: Io, end: Ending): void {
  const verbs = () => import("./steps.js");
  task
    .command("steps <id>")
    .description("List the steps of a task; STARTED counts from when the task was created.")
    .addOption(jsonOption("Print JSON, a step a line."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).listSteps(id, options, io)));

  task
    .command("signal <id> <name>")
    .description("Give the step that waits for a signal its payload, which becomes its result.")
    .option("--payload <json>", "JSON, @FILE, or - for standard input. Default: null")
    .addOption(jsonOption("Print the task as JSON."))
    .addOption(addrOption())
    .action(async (id, name, options) => end((await verbs()).signalTask(id, name, options, io)));

  task
    .command("resolve <id> [step]")
    .description("Settle by hand a step that failed; without a step, --done settles the whole task.")
    .option("--retry", "Try it anew, with all its attempts.")
    .option("--done", "It counts as done, without a result.")
    .option("--result <json>", "It is done with this result: JSON, @FILE, or - for standard input.")
    .addOption(jsonOption("Print the task as JSON."))
    .addOption(addrOption())
    .action(async (id, step, options) => end((await verbs()).resolveStep(id, step, options, io)));

  task
    .command("visualize <id>")
    .description("Draw a task as it stands, as a Mermaid flowchart.")
    .addOption(jsonOption("Print the drawing within JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).visualizeTask(id, options, io)));
}
