import { type Command, InvalidArgumentError, Option } from "commander";
import type { TaskFilter, TaskRunClient } from "#client/index";
import { nearest } from "#domain/nearest";
import { type TaskState, taskStates, taskStatuses } from "#domain/task/task";
import { statesWaiting } from "#domain/task/waiting-reason";
import { readDuration } from "#domain/time/duration";
import type { ConnectionOptions } from "../connection.js";
import { CliError, exit } from "../exit.js";
import { readMoment } from "../moment.js";
import { duration, oneOf, pair } from "../options.js";
import { readTemplateName } from "../template/name.js";
import { dateText } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

/** Which tasks are meant, as every command takes it that is about all tasks of some kind. */
export interface FilterOptions {
  readonly status?: NonNullable<TaskFilter["status"]>;
  readonly state?: readonly TaskState[];
  readonly agent?: string;
  readonly template?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly parent?: string;
  readonly correlation?: string;
  readonly creator?: string;
  readonly age?: AgeRange;
  readonly since?: Since;
  readonly before?: Since;
  /** True without a cause. */
  readonly waiting?: string | true;
}

/** Ages in milliseconds. */
interface AgeRange {
  readonly above?: number;
  readonly below?: number;
}

/** An instant, or how long ago it is. */
type Since = { readonly at: number } | { readonly ago: number };

/** The options of `task list`. */
export interface ListOptions extends ConnectionOptions, FilterOptions, JsonOption {
  readonly limit: number;
  readonly watch?: boolean;
}

/** The options of {@link FilterOptions}, for a command. */
export function filterOptions(): Option[] {
  return [
    new Option("--status <status>", "Only tasks of this status.")
      .choices(taskStatuses)
      .argParser(oneOf(taskStatuses)),
    new Option("--state <state...>", "Only tasks in one of these states, for example blocked_by_failures.")
      .choices(taskStates)
      .argParser(stateIn),
    new Option("--agent <name>", "Only tasks of this agent."),
    new Option(
      "--template <name>",
      "Only tasks of this template: NS/NAME@VERSION; NS/ and @VERSION are optional.",
    ),
    new Option("--label <name=value...>", "Only tasks with these labels.").argParser(pair),
    new Option("--parent <id>", "Only the tasks that this task has started as its steps."),
    new Option("--correlation <id>", "Only tasks of this correlation id."),
    new Option("--creator <name>", "Only tasks that this name has created."),
    new Option("--age <age>", "Only older or younger tasks: '>1h', '<10m'; twice for both.").argParser(ageIn),
    new Option("--since <time>", "Only tasks created since: 2h ago, or 2030-01-31T09:00Z.").argParser(timeIn),
    new Option("--before <time>", "Only tasks created before: 2h ago, or 2030-01-31T09:00Z.").argParser(
      timeIn,
    ),
    new Option(
      "--waiting [cause]",
      "Only tasks that wait, for example for WORKER; without a cause for anything.",
    )
      .choices([...Object.keys(statesWaiting), "ANY"])
      .argParser((text) => text.toUpperCase()),
  ];
}

/** Adds {@link filterOptions} to a command. */
export function addFilterOptions(command: Command): Command {
  for (const option of filterOptions()) command.addOption(option);
  return command;
}

/**
 * The filter that the options mean now.
 *
 * @param client asked for the whole id if the beginning of one is given
 * @throws {CliError} `usage` if no task can fit
 */
export async function filterOf(options: FilterOptions, client: TaskRunClient, io: Io): Promise<TaskFilter> {
  const { status, state, agent, label, parent, correlation, creator, waiting } = options;
  const template = options.template && readTemplateName(options.template, "--template");
  return {
    ...(status !== undefined && { status }),
    ...(state !== undefined && { states: state }),
    ...(agent !== undefined && { agent }),
    ...(template && { template }),
    ...(label !== undefined && { labels: label }),
    ...(parent !== undefined && { parentTaskId: await wholeTaskId(client, parent, io) }),
    ...(correlation !== undefined && { correlationId: correlation }),
    ...(creator !== undefined && { createdBy: creator }),
    ...(waiting !== undefined && { waiting: waiting === true ? "*" : waiting }),
    ...createdIn(options, io.now()),
  };
}

/** Before this, in 1973, no task was created; the client takes what is less for seconds. */
const EARLIEST_MS = 100_000_000_000;

/** When the tasks were created, of all that the options say about it. */
export function createdIn(
  { age = {}, since, before }: Pick<FilterOptions, "age" | "since" | "before">,
  now: number,
): Pick<TaskFilter, "createdAfterMs" | "createdBeforeMs"> {
  const after = Math.max(age.below === undefined ? 0 : now - age.below, since ? instantOf(since, now) : 0);
  const until = Math.min(
    age.above === undefined ? Number.POSITIVE_INFINITY : now - age.above,
    before ? instantOf(before, now) : Number.POSITIVE_INFINITY,
  );
  if (until <= after) {
    const range = `since ${dateText(after)} and before ${dateText(until)}`;
    throw new CliError(exit.usage, `no task is created ${range}: correct --age, --since or --before`);
  }
  return {
    ...(after >= EARLIEST_MS && { createdAfterMs: after }),
    ...(until < Number.POSITIVE_INFINITY && { createdBeforeMs: Math.max(EARLIEST_MS, until) }),
  };
}

function instantOf(since: Since, now: number): number {
  return "at" in since ? since.at : now - since.ago;
}

function stateIn(text: string, before: readonly TaskState[] = []): readonly TaskState[] {
  const found = taskStates.find((state) => state === text.toLowerCase());
  if (found !== undefined) return [...before, found];
  const near = nearest(text, taskStates);
  const meant = near === undefined ? "" : ` Did you mean ${near}?`;
  throw new InvalidArgumentError(`"${text}" is none of ${taskStates.join(", ")}.${meant}`);
}

function ageIn(text: string, before: AgeRange = {}): AgeRange {
  const [, sign, age = ""] = /^\s*([<>])\s*(.*)$/.exec(text) ?? [];
  if (sign === undefined) {
    throw new InvalidArgumentError(
      `"${text}" is no age: write '>1h' for older ones, '<10m' for younger ones.`,
    );
  }
  const ms = duration(1)(age.trim());
  return sign === ">" ? { ...before, above: ms } : { ...before, below: ms };
}

function timeIn(text: string): Since {
  const ago = readDuration(text);
  if (ago !== undefined) return { ago };
  const at = readMoment(text);
  if (at !== undefined) return { at };
  throw new InvalidArgumentError(
    `"${text}" is neither a duration, such as 2h, nor a time with its zone, such as 2030-01-31T09:00Z.`,
  );
}
