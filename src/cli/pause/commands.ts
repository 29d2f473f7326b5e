import { type Command, InvalidArgumentError, Option } from "commander";
import { readDuration } from "#domain/time/duration";
import type { Ending } from "../exit.js";
import { MOMENT_ADVICE, readMoment } from "../moment.js";
import { addrOption, duration, jsonOption, namespaceOption } from "../options.js";
import type { Io } from "../terminal/io.js";
import type { PauseCommandOptions, ScopeWords } from "./pauses.js";

/** What can be paused: the word of the command line, its argument, and which options it has beside the others. */
const scopes = [
  { kind: "agent", argument: "<name>", of: "an agent", options: ["namespace"] },
  { kind: "template", argument: "<name>", of: "a template, of whichever version", options: ["namespace"] },
  { kind: "namespace", argument: "<name>", of: "a namespace", options: [] },
  {
    kind: "worker",
    argument: "<id>",
    of: "a worker, which stays paused when it connects again",
    options: ["principal"],
  },
  { kind: "plane", argument: "", of: "everything", options: [] },
] as const;

const verbs = {
  pause: "Give workers nothing more of an agent, template or namespace, to a worker, or at all.",
  drain: "Pause, and wait until workers hold nothing of it any more.",
  resume: "Give workers again what was paused.",
} as const;
type Verb = keyof typeof verbs;

/** Adds `pause`, `drain` and `resume`, each with a subcommand for every kind of scope, and `pause list`. */
export function addPauseCommands(program: Command, io: Io, end: Ending): void {
  for (const verb of Object.keys(verbs) as Verb[]) {
    const parent = program.command(verb).description(verbs[verb]);
    for (const scope of scopes) addScope(parent, verb, scope, io, end);
    if (verb !== "pause") continue;
    parent
      .command("list")
      .description("List what is paused, why, by whom and until when.")
      .addOption(jsonOption("Print JSON, one pause per line."))
      .addOption(addrOption())
      .action(async (options) => end((await import("./pauses.js")).listPauses(options, io)));
  }
}

function addScope(
  parent: Command,
  verb: Verb,
  { kind, argument, of, options }: (typeof scopes)[number],
  io: Io,
  end: Ending,
): void {
  const command = parent.command(`${kind} ${argument}`.trim()).description(`${sentences[verb]} ${of}.`);
  if (options.some((each) => each === "namespace")) {
    const every = kind === "agent" ? '; "*" is every namespace' : "";
    const { flags, description } = namespaceOption();
    command.addOption(new Option(flags, `${description}${every}`));
  }
  if (options.some((each) => each === "principal"))
    command.option("--principal <name>", "Whose worker it is. Default: yours, or who has it connected");
  if (verb !== "resume") {
    command.option("--reason <text>", "Why, for people: shown with every task that waits for it.");
    command.option("--until <time>", "When it ends by itself: 2h, or a time in ISO 8601.", until(io));
    if (verb === "pause") command.option("--wait", "Wait until workers hold nothing of it any more.");
    command.option("--timeout <duration>", "Wait no longer; it stays paused.", duration(1));
  }
  command
    .addOption(jsonOption("Print it as JSON."))
    .addOption(addrOption())
    .action(async (...args: unknown[]) => {
      const name = argument === "" ? "" : String(args[0]);
      const given = args[argument === "" ? 0 : 1] as PauseCommandOptions;
      const words: ScopeWords = { kind, name };
      const { pauseScope, resumeScope } = await import("./pauses.js");
      if (verb === "resume") return end(resumeScope(words, given, io));
      await end(pauseScope(words, verb === "drain" ? { ...given, wait: true } : given, io));
    });
}

const sentences: Readonly<Record<Verb, string>> = {
  pause: "Pause",
  drain: "Pause, and wait for the runs of,",
  resume: "Resume",
};

/** Reads a duration from now, or an instant. Returns Unix milliseconds. */
function until(io: Pick<Io, "now">) {
  return (text: string): number => {
    const ms = readDuration(text);
    if (ms !== undefined && ms > 0) return io.now() + ms;
    const at = readMoment(text);
    if (at !== undefined) return at;
    throw new InvalidArgumentError(`"${text}" is neither a duration, as 2h, nor a time; ${MOMENT_ADVICE}.`);
  };
}
