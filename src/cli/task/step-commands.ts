import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";
import { addBulkOptions } from "./bulk-options.js";

/** Adds the commands about a task's steps. */
export function addStepCommands(task: Command, io: Io, end: Ending): void {
  const verbs = () => import("./steps.js");
  task
    .command("steps <id> [step]")
    .description(
      "List the steps of a task; STARTED counts from the task's creation. With a step, what its agent has journaled.",
    )
    .addOption(jsonOption("Print JSON, one step, or record of the journal, per line."))
    .addOption(addrOption())
    .action(async (id, step, options) =>
      end(
        step === undefined
          ? (await verbs()).listSteps(id, options, io)
          : (await import("./journal.js")).showJournal(id, step, options, io),
      ),
    );

  task
    .command("signal <id> <name>")
    .description("Send a signal to the step that waits for it; the payload becomes its result.")
    .option("--payload <json>", "JSON, @FILE, or - for standard input. Default: null")
    .option("--reason <text>", "Why, for people; `task audit` tells it.")
    .addOption(jsonOption("Print the task as JSON."))
    .addOption(addrOption())
    .action(async (id, name, options) => end((await verbs()).signalTask(id, name, options, io)));

  addBulkOptions(
    task
      .command("resolve [id] [step]")
      .description(
        "Resolve by hand a step that failed or hangs; without a step, --done resolves the whole task.",
      ),
  )
    .option("--retry", "Run it again, with all its attempts; at once, if it waits for the next one.")
    .option("--done", "Count it as done, without a result.")
    .option("--result <json>", "Complete it with this result: JSON, @FILE, or - for standard input.")
    .option("--journal-entry <n>", "Decide about this entry of the step's journal, not the step itself.")
    .option("--reason <text>", "Why, for people; `task audit` tells it.")
    .addOption(jsonOption("Print the task as JSON."))
    .addOption(addrOption())
    .action(async (id, step, options) => end((await verbs()).resolve(id, step, options, io)));

  task
    .command("audit <id> [step]")
    .description(
      "Show what has happened to a step: its runs, and what was done to it by hand, by whom and why.",
    )
    .addOption(jsonOption("Print JSON, an entry a line."))
    .addOption(addrOption())
    .action(async (id, step, options) => end((await import("./audit.js")).stepAudit(id, step, options, io)));

  task
    .command("visualize <id>")
    .description("Draw the current state of a task as a Mermaid flowchart.")
    .addOption(jsonOption("Print JSON that contains the drawing."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).visualizeTask(id, options, io)));
}
