import { type Command, Option } from "commander";
import { deadLetterReasonNames, deadLetterStatuses, settableStatuses } from "#domain/task/dead-letter";
import { staleHealths } from "#domain/task/staleness";
import { limits } from "#limits/index";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption, namespacesOption, oneOf, whole } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `dlq`, with its subcommands about tasks that need a person. */
export function addDeadLetterCommands(program: Command, io: Io, end: Ending): void {
  const dlq = program
    .command("dlq")
    .description("Look into tasks that have failed for good or are held, and decide what becomes of them.");
  addReading(dlq, io, end);
  addChanging(dlq, io, end);
}

const wordOption = <Word extends string>(flag: string, words: readonly Word[], help: string) =>
  new Option(flag, help).choices(words).argParser(oneOf(words));

function addReading(dlq: Command, io: Io, end: Ending): void {
  const verbs = () => import("./read.js");
  dlq
    .command("list")
    .description("List dead letters, the newest first.")
    .addOption(wordOption("--status <status>", deadLetterStatuses, "Only those of this status."))
    .addOption(wordOption("--reason <reason>", deadLetterReasonNames, "Only those of this reason."))
    .option("--limit <n>", "Number of dead letters at most.", whole(1, limits.listRows), 100)
    .addOption(jsonOption("Print JSON, one per line."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listDeadLetters(options, io)));

  dlq
    .command("get <id>")
    .description("Show the dead letter of a task: why, where it began, and what operators have written.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).getDeadLetter(id, options, io)));

  dlq
    .command("queue")
    .description("List those that are pending, the most urgent first.")
    .option(
      "--limit <n>",
      "Number of dead letters at most.",
      whole(1, limits.deadLettersShown),
      limits.deadLettersShown,
    )
    .addOption(jsonOption("Print JSON, one per line."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).showQueue(options, io)));

  dlq
    .command("staleness")
    .description("List tasks that have not ended, with how long they have rested and how long they may.")
    .addOption(wordOption("--health <health>", staleHealths, "Only those that stand so."))
    .option("--limit <n>", "Number of tasks at most.", whole(1, limits.listRows), 100)
    .addOption(jsonOption("Print JSON, one per line."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await import("./staleness.js")).showStaleness(options, io)));

  dlq
    .command("stats")
    .description("Count dead letters by reason, with how long it took until they were closed.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).showStats(options, io)));
}

function addChanging(dlq: Command, io: Io, end: Ending): void {
  const verbs = () => import("./change.js");
  dlq
    .command("update <id>")
    .description("Write down what became of a dead letter.")
    .addOption(wordOption("--status <status>", settableStatuses, "What became of it."))
    .option("--notes <text>", "What was found out; replaces what was written before.")
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).updateDeadLetter(id, options, io)));

  dlq
    .command("redrive <id>")
    .description("Do the work of a failed task again, once, as a new task, and print the new id.")
    .addOption(jsonOption("Print the new task as JSON."))
    .addOption(addrOption())
    .action(async (id, options) => end((await verbs()).redriveDeadLetter(id, options, io)));
}
