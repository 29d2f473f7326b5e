import type { StepEffect } from "#domain/task/journal";
import type { UsedModel } from "#domain/task/usage";
import { millis } from "#domain/time/time";
import type { AgentContext } from "../agent/context.js";
import {
  type CallOptions,
  type ChildTask,
  type Doubt,
  type DoubtOutcome,
  type DurableContext,
  effects,
  type SignalOptions,
  type StepOptions,
  type ToolOptions,
  type UsageReport,
  type Verify,
} from "../agent/durable.js";
import { AgentError } from "../agent/error.js";
import { inputDigest } from "./canonical.js";
import { childOf, childResult } from "./children.js";
import type { Asked, Entry } from "./journal.js";
import type { JournalKeeper, Work } from "./keeper.js";
import { entryInWords, JournalError } from "./misfit.js";
import { JournalRunner } from "./runner.js";
import { defaultOf, durationOf, functionOf, journalName, onDoubtOf, optionsOf, usageOf } from "./said.js";

/** What durable functions need beyond the journal. */
export interface DurableKeeper extends JournalKeeper {
  readonly event: AgentContext["event"];
  /** Reports what was used. @throws {AgentError} if the Run has reported too often */
  used(report: UsedModel): void;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
}

/** The durable functions of one Run's agent. They do not use `this`. */
export class DurableCalls implements DurableContext {
  readonly runner: JournalRunner;
  readonly #keeper: DurableKeeper;

  constructor(keeper: DurableKeeper) {
    this.#keeper = keeper;
    this.runner = new JournalRunner(keeper);
  }

  step<Result>(
    name: string,
    fn: (signal: AbortSignal) => Result | Promise<Result>,
    options?: StepOptions<Result>,
  ): Promise<Result> {
    return this.runner.call(async () => {
      const given = optionsOf(options, "step(name, fn, options): options", stepOptions);
      const asked = askedOf("STEP", name, given, given.input, "step");
      const run = functionOf<(signal: AbortSignal) => unknown>(fn, "step(name, fn, options): fn");
      return this.runner.perform({ asked, run, settle: this.#settling(given, given.input) });
    }) as Promise<Result>;
  }

  tool<Args, Result>(
    name: string,
    args: Args,
    fn: (args: Args, signal: AbortSignal) => Result | Promise<Result>,
    options?: ToolOptions<Result>,
  ): Promise<Result> {
    return this.runner.call(async () => {
      const given = optionsOf(options, "tool(name, args, fn, options): options", toolOptions);
      const asked = askedOf("TOOL", name, given, args, "tool");
      functionOf(fn, "tool(name, args, fn, options): fn");
      return this.runner.perform({
        asked,
        settle: this.#settling(given, args),
        ...this.#telling(asked, (signal) => fn(args, signal)),
      });
    }) as Promise<Result>;
  }

  sleep(ms: number): Promise<void> {
    return this.runner.call(async () => {
      const duration = millis(durationOf(ms, "sleep(ms): ms"));
      // How long is no part of its identity: an agent may count it from a clock.
      await this.runner.wait(waitFor("SLEEP", "sleep"), { duration });
    });
  }

  waitForSignal(name: string, options?: SignalOptions): Promise<unknown> {
    return this.runner.call(async () => {
      const where = "waitForSignal(name, options)";
      const asked = waitFor("SIGNAL", journalName(name, `${where}: name`));
      const given = optionsOf(options, `${where}: options`, ["timeoutMs", "default"]);
      const duration = millis(durationOf(given.timeoutMs ?? 0, `${where}: timeoutMs`));
      const otherwise = defaultOf(given.default, `${where}: default`);
      const wait = { duration, ...(otherwise !== undefined && { otherwise }) };
      const entry = await this.runner.wait(asked, wait);
      if (entry.state === "COMPLETED") return resultOf(entry);
      throw new AgentError(entry.errorMessage || `no signal "${name}" has come in time`, {
        retryable: false,
      });
    });
  }

  call(agent: unknown, input: unknown, options?: CallOptions): Promise<never> {
    return this.runner.call(async () => {
      const { asked, wait } = childOf(agent, input, options, "call");
      return childResult(await this.runner.wait(asked, wait)) as never;
    });
  }

  spawn(agent: unknown, input: unknown, options?: CallOptions): Promise<ChildTask<never>> {
    return this.runner.call(async () => {
      const { asked, wait } = childOf(agent, input, options, "spawn");
      const { entry, over } = await this.runner.begin(asked, wait);
      const result = () => this.runner.call(async () => childResult(await over()) as never);
      return { taskId: entry.childId ?? "", result };
    });
  }

  usage(report: UsageReport): void {
    this.#keeper.used(usageOf(report));
  }

  /** Tells of a tool what is done with it, and counts its calls. */
  #telling({ name, inputDigest: digest }: Asked, run: Work["run"]): Pick<Work, "run" | "replayed"> {
    const keeper = this.#keeper;
    const told = { tool: name, ...(digest !== "" && { args_digest: digest }) };
    const completed = (outcome: "ok" | "failed" | "replayed", ms: number) =>
      keeper.event("TOOL_COMPLETED", { ...told, outcome, duration_ms: String(Math.round(ms)) });
    return {
      replayed: () => completed("replayed", 0),
      run: async (signal) => {
        keeper.event("TOOL_REQUESTED", told);
        const from = keeper.monotonic();
        let outcome: "ok" | "failed" = "failed";
        try {
          const result = await run(signal);
          outcome = "ok";
          return result;
        } finally {
          // Not before: a budget that this call uses up would stop it in the middle.
          keeper.used({ model: "", inputTokens: 0, outputTokens: 0, cachedTokens: 0, toolCalls: 1 });
          completed(outcome, keeper.monotonic() - from);
        }
      },
    };
  }

  #settling({ onDoubt, verify }: StepOptions<unknown>, input: unknown): Work["settle"] {
    const policy = onDoubtOf(onDoubt, verify);
    return async (entry) => {
      if (policy === "hold") throw new JournalError(`${inDoubt(entry)} ${SETTLE}`, "IN_DOUBT");
      if (policy === "fail") throw new AgentError(inDoubt(entry), { retryable: false });
      if (policy === "retry") return { done: false };
      const { signal } = this.#keeper;
      return outcomeOf(await (policy as Verify<unknown>)(doubtOf(entry, input, signal)), entry);
    };
  }
}

const toolOptions = ["effect", "onDoubt", "verify"] as const;
const stepOptions = [...toolOptions, "input"] as const;

const SETTLE =
  "Find out, and say so of that entry by ResolveStep, or give the step an onDoubt that finds it out by itself.";

function inDoubt(entry: Entry): string {
  return `${entryInWords(entry)} (entry ${entry.number} of the journal) was begun by an earlier run, and it is not known whether it was done.`;
}

function doubtOf({ name, number }: Entry, input: unknown, signal: AbortSignal): Doubt {
  return { name, entry: number, input, signal };
}

/** What a `verify` has returned. @throws {AgentError} if it is neither of the two */
function outcomeOf(outcome: DoubtOutcome<unknown>, entry: Entry): DoubtOutcome<unknown> {
  const { done } = (outcome ?? {}) as { readonly done?: unknown };
  if (typeof done === "boolean") return outcome;
  const message = `onDoubt of ${entryInWords(entry)} has returned neither { done: true, result } nor { done: false }`;
  throw new AgentError(message, { retryable: false });
}

function askedOf(
  kind: "STEP" | "TOOL",
  name: unknown,
  { effect = "idempotent" }: StepOptions<unknown>,
  input: unknown,
  what: "step" | "tool",
): Asked {
  const known = journalName(name, `${what}(name, …): name`);
  if (!effects.includes(effect)) {
    throw new TypeError(`${what} "${known}": effect is ${String(effect)}, not one of ${effects.join(", ")}`);
  }
  const part = what === "tool" ? "args" : "input";
  return {
    kind,
    name: known,
    inputDigest: inputDigest(input, `${part} of ${what} "${known}"`),
    effect: effect.toUpperCase() as StepEffect,
  };
}

function waitFor(kind: "SLEEP" | "SIGNAL", name: string): Asked {
  return { kind, name, inputDigest: "", effect: "IDEMPOTENT" };
}

function resultOf({ result }: Entry): unknown {
  return result === "" ? undefined : JSON.parse(result);
}
