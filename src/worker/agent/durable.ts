import type { Labels } from "#domain/task/task";
import type { Typed } from "#domain/typed";

export const effects = ["read", "idempotent", "once"] as const;
/**
 * What a durable step does to the world, and so whether it may be done again after its worker was lost: `read` only looks, `idempotent`
 * is the same however often it is done, and `once` must not be done twice.
 */
export type Effect = (typeof effects)[number];

/**
 * A `once` step of which it is not known whether an earlier Run has done it: that Run had begun it, and was lost before it came to an end.
 *
 * @example
 * ```ts
 * import type { Doubt, DoubtOutcome } from "taskrun/worker";
 *
 * async function verify({ input, signal }: Doubt): Promise<DoubtOutcome<unknown>> {
 *   const response = await fetch(`https://bank.example/charges?order=${input}`, { signal });
 *   return response.ok ? { done: true, result: await response.json() } : { done: false };
 * }
 * ```
 */
export interface Doubt {
  /** The name of the step. */
  readonly name: string;
  /** Its entry in the journal of its Step. */
  readonly entry: number;
  /** The step's `input`; of a tool its arguments. */
  readonly input: unknown;
  /** The signal of the Run. */
  readonly signal: AbortSignal;
}

/**
 * What came of a doubt: it was done, with this result, or it was not, and is done now.
 *
 * @example
 * ```ts
 * import type { DoubtOutcome } from "taskrun/worker";
 *
 * const notDone: DoubtOutcome<string> = { done: false };
 * const done: DoubtOutcome<string> = { done: true, result: "receipt 17" };
 * ```
 */
export type DoubtOutcome<Result> =
  | { readonly done: true; readonly result: Result }
  | { readonly done: false };

/** Finds out whether a step in doubt was done. */
export type Verify<Result> = (doubt: Doubt) => DoubtOutcome<Result> | Promise<DoubtOutcome<Result>>;

/**
 * Options of `ctx.step`. All may be left out.
 *
 * @example
 * ```ts
 * import type { StepOptions } from "taskrun/worker";
 *
 * const options: StepOptions<string> = { effect: "once", input: { order: 17 }, onDoubt: "hold" };
 * ```
 */
export interface StepOptions<Result> {
  /** Default: `idempotent`. */
  readonly effect?: Effect;
  /** What the step works on: a part of its identity, as JSON with its members in order. At most 1 MiB; only its digest is kept. */
  readonly input?: unknown;
  /**
   * Of a `once` step that an earlier Run has begun, and of which it is not known whether it was done: `hold` (the default) ends the Run
   * with reason IN_DOUBT, and the Task waits for a person; `retry` does it again; `fail` makes it throw; a function finds it out.
   */
  readonly onDoubt?: "hold" | "retry" | "fail" | Verify<Result>;
  /** The same as `onDoubt` with a function. */
  readonly verify?: Verify<Result>;
}

/** Options of `ctx.tool`: those of a step, whose input the arguments are. */
export type ToolOptions<Result> = Omit<StepOptions<Result>, "input">;

/**
 * Options of `ctx.waitForSignal`.
 *
 * @example
 * ```ts
 * import type { SignalOptions } from "taskrun/worker";
 *
 * const options: SignalOptions = { timeoutMs: 86_400_000, default: { approved: false } };
 * ```
 */
export interface SignalOptions {
  /** How long it waits; 0 or absent is for ever. */
  readonly timeoutMs?: number;
  /** What it resolves to if the time is up, at most 64 KiB of JSON. If absent, it then rejects. */
  readonly default?: unknown;
}

/**
 * A template that a child Task is made of, in the namespace of its parent; the newest version if none is named.
 *
 * @example
 * ```ts
 * import type { ChildTemplate } from "taskrun/worker";
 *
 * const newest: ChildTemplate = { template: "book_trip" };
 * const exact: ChildTemplate = { template: { name: "book_trip", version: "1.0.0" } };
 * ```
 */
export interface ChildTemplate {
  readonly template: string | { readonly name: string; readonly version?: string };
}

/**
 * An agent that `ctx.call` and `ctx.spawn` take in place of its name: their input and result are then those of the agent.
 *
 * @example An agent that other code serves
 * ```ts
 * import type { CalledAgent } from "taskrun/worker";
 *
 * const search: CalledAgent<{ topic: string }, string[]> = { name: "search" };
 * ```
 */
export interface CalledAgent<Input, Result> extends Typed<Input, Result> {
  readonly name: string;
}

/**
 * Options of `ctx.call` and `ctx.spawn`. All may be left out.
 *
 * @example
 * ```ts
 * import type { CallOptions } from "taskrun/worker";
 *
 * const options: CallOptions = { timeoutMs: 600_000, maxAttempts: 3, labels: { part: "search" } };
 * ```
 */
export interface CallOptions {
  /** Limit of the whole child Task; 0 is none. */
  readonly timeoutMs?: number;
  /** Attempts of each of its Steps. Default: as for any Task. */
  readonly maxAttempts?: number;
  /** Its labels: it has none of its parent's. */
  readonly labels?: Labels;
  /** Labels that its Workers must have. Default: those of the parent. */
  readonly workerSelector?: Labels;
}

/**
 * A child Task, begun by `ctx.spawn`.
 *
 * @example
 * ```ts
 * import { agent, type ChildTask } from "taskrun/worker";
 *
 * const research = agent({
 *   name: "research",
 *   async run(_, ctx) {
 *     const children: ChildTask[] = [];
 *     for (const topic of ["cats", "dogs"]) children.push(await ctx.spawn("search", { topic }));
 *     return Promise.all(children.map((child) => child.result()));
 *   },
 * });
 * ```
 */
export interface ChildTask<Result = unknown> {
  readonly taskId: string;
  /**
   * Waits for its end, and resolves to its result. May be called more than once.
   *
   * @throws {AgentError} if it failed or was cancelled; not retryable
   */
  result(): Promise<Result>;
}

/**
 * What an agent reports of one use of a model. Counts are whole numbers from 0; what is left out is 0.
 *
 * @example
 * ```ts
 * import type { UsageReport } from "taskrun/worker";
 *
 * const report: UsageReport = { model: "gpt-5-mini", inputTokens: 1_200, outputTokens: 340, cachedTokens: 1_000 };
 * ```
 */
export interface UsageReport {
  /** The model, as its provider names it. */
  readonly model: string;
  /** Tokens that it read, those from its cache included. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Of the input tokens those that came from a cache. */
  readonly cachedTokens?: number;
  /** Calls of tools, without those by `ctx.tool`, which counts its own. */
  readonly toolCalls?: number;
  /** Millionths of a US dollar. Default: what the server's price table says. */
  readonly usdMicros?: number;
}

/**
 * The part of {@link AgentContext} by which an agent survives its Worker: what it has done is kept in the journal of its Step, and the
 * next Run of the Step, on any Worker, calls the agent again and gets the results from there.
 *
 * An agent must ask for the same durable steps in the same order, as far as it has come: what depends on time, chance or the world
 * belongs into a step. Steps that run at once, as by `Promise.all`, may end in any order. What does not fit the journal fails the Run
 * with reason JOURNAL_MISMATCH, and is not tried again.
 *
 * Each of these functions rejects, beyond what it says itself, with {@link RunStopped} if the Run was stopped or has ended, and with an
 * {@link AgentError} if the server is too old, if the journal has reached its limits, or if the agent does not fit its journal.
 *
 * @example
 * ```ts
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const order = agent({
 *   name: "order",
 *   input: z.object({ article: z.string() }),
 *   async run({ article }, ctx) {
 *     const price = await ctx.step("price", async (signal) => {
 *       const response = await fetch(`https://shop.example/price/${article}`, { signal });
 *       return z.number().parse(await response.json());
 *     });
 *     const answer = z.object({ yes: z.boolean() }).parse(await ctx.waitForSignal("approved"));
 *     if (!answer.yes) return { ordered: false };
 *     await ctx.tool("buy", { article, price }, async (args) => ({ bought: args.article }), { effect: "once" });
 *     return { ordered: true };
 *   },
 * });
 * ```
 */
export interface DurableContext {
  /**
   * Does a piece of work whose result is kept before this resolves. If an earlier Run has done it, resolves to that result without
   * calling `fn`. The result is what JSON makes of it, at most 1 MiB: the same at first and later.
   *
   * What `fn` throws is thrown, and tried again by the next Run, unless the agent catches it and goes on with another durable step or
   * a wait: then it is kept, too, and later Runs throw an error of that name and message.
   *
   * A `once` step is written down before `fn` is called. If it throws an {@link AgentError} that is `retryable`, it counts as not done;
   * otherwise, and if the Worker is lost meanwhile, it is in doubt: see {@link StepOptions.onDoubt}.
   *
   * @param name at most 256 bytes; the same name may be used again, and is then counted
   * @param fn is passed the signal of the Run
   * @throws {TypeError | RangeError} if an argument is wrong
   * @throws what `fn` throws
   */
  step<Result>(
    name: string,
    fn: (signal: AbortSignal) => Result | Promise<Result>,
    options?: StepOptions<Result>,
  ): Promise<Result>;
  /**
   * The same for a tool, and tells it: the event TOOL_REQUESTED with `tool` and `args_digest`, and when it has ended TOOL_COMPLETED with
   * these, `duration_ms` and `outcome` (`ok`, `failed`, or `replayed`, where an earlier Run has called it). Each call that is made counts
   * as a use of a tool.
   *
   * @param args are passed to `fn`, and are what `input` is of a step
   */
  tool<Args, Result>(
    name: string,
    args: Args,
    fn: (args: Args, signal: AbortSignal) => Result | Promise<Result>,
    options?: ToolOptions<Result>,
  ): Promise<Result>;
  /**
   * Waits, by the server's clock. While an agent only waits, for this or one of the next three, it takes no place at its Worker: the
   * Run ends, and another one goes on from here when the wait is over.
   *
   * @param ms from 0 to 30 days, rounded up
   */
  sleep(ms: number): Promise<void>;
  /**
   * Waits until somebody sends the Task a signal of this name, and resolves to its payload. One that was sent before counts, too; each is
   * taken once, the oldest first.
   *
   * @throws {AgentError} if the time is up and there is no default; not retryable
   */
  waitForSignal(name: string, options?: SignalOptions): Promise<unknown>;
  /**
   * Has a child Task done and waits for its result. A child belongs to the Step that has begun it: it is cancelled if that ends before.
   *
   * @param agent an agent, its name, or a template
   * @throws {AgentError} if the child failed or was cancelled; not retryable
   */
  call<Input, Result>(
    agent: CalledAgent<Input, Result>,
    input: NoInfer<Input>,
    options?: CallOptions,
  ): Promise<Result>;
  call(agent: string | ChildTemplate, input: unknown, options?: CallOptions): Promise<unknown>;
  /** The same without waiting: resolves when the child is begun. */
  spawn<Input, Result>(
    agent: CalledAgent<Input, Result>,
    input: NoInfer<Input>,
    options?: CallOptions,
  ): Promise<ChildTask<Result>>;
  spawn(agent: string | ChildTemplate, input: unknown, options?: CallOptions): Promise<ChildTask>;
  /**
   * Reports what was used of a model, once for each of its calls: the sums are shown with the Run and its Task, and counted against
   * budgets. It is delivered even if the Run is stopped meanwhile. A server that does not know usage is told nothing, which is logged.
   *
   * @throws {TypeError | RangeError} if a part of the report is wrong
   * @throws {AgentError} if the Run has reported 100 000 times
   */
  usage(report: UsageReport): void;
}
