import { type Command, InvalidArgumentError } from "commander";
import type { UsageKey } from "#client/index";
import { readDuration } from "#domain/time/duration";
import type { Ending } from "../exit.js";
import { MOMENT_ADVICE, readMoment } from "../moment.js";
import { addrOption, jsonOption, namespaceOption } from "../options.js";
import { suggestion } from "../suggest.js";
import type { Io } from "../terminal/io.js";

const keys = ["day", "namespace", "agent", "model"] as const satisfies readonly UsageKey[];

/** Adds `usage`. */
export function addUsageCommand(program: Command, io: Io, end: Ending): void {
  program
    .command("usage")
    .description("Show what agents have used of models: tokens, calls of tools, and what it cost.")
    .option(
      "--by <keys>",
      "What sums are told apart by, as day,model. Default: day,namespace,agent,model",
      by,
    )
    .option(
      "--from <time>",
      "Since then: 7d ago, a day as 2030-01-31 in UTC, or a time. Default: 30d",
      day(io),
    )
    .option("--until <time>", "Up to the day before that. Default: up to now", day(io))
    .option("--agent <name>", "Only of this agent.")
    .option("--model <name>", "Only of this model.")
    .addOption(namespaceOption())
    .addOption(jsonOption("Print JSON, one sum per line."))
    .addOption(addrOption())
    .action(async (options) => end((await import("./usage.js")).showUsage(options, io)));
}

function by(text: string): readonly UsageKey[] {
  const words = text.split(",").map((word) => word.trim());
  return words.map((word) => {
    const known = keys.find((key) => key === word);
    if (known) return known;
    throw new InvalidArgumentError(`"${word}" is nothing to tell sums apart by${suggestion(word, keys)}`);
  });
}

/** Reads how long ago, a day, or an instant. Returns Unix milliseconds. */
function day(io: Pick<Io, "now">) {
  return (text: string): number => {
    const ago = readDuration(text);
    if (ago !== undefined) return io.now() - ago;
    const at = readMoment(/^\d{4}-\d\d-\d\d$/.test(text.trim()) ? `${text.trim()}T00:00Z` : text);
    if (at !== undefined) return at;
    const ways = "neither a duration, as 7d, nor a day, as 2030-01-31, nor a time";
    throw new InvalidArgumentError(`"${text}" is ${ways}; ${MOMENT_ADVICE}.`);
  };
}
