import { limits } from "#limits/index";
import { AgentError } from "#worker/agent/error";
import type { Agent, AgentContext } from "#worker/index";
import type { Activity } from "./activity.js";

/**
 * A failure that a test scripts; see `fail` of {@link TestPlane}. What is left out matches everything.
 *
 * @example
 * ```ts
 * import { type ScriptedFailure, testPlane } from "taskrun/testing";
 *
 * const overloaded: ScriptedFailure = { step: "charge", attempt: 1, error: "the bank is down", retryAfterMs: 60_000 };
 * await using plane = await testPlane();
 * plane.fail(overloaded);
 * ```
 */
export interface ScriptedFailure {
  /** Name of the agent. */
  readonly agent?: string;
  /** Name of the Step; `main` is the Step of a Task that names an agent. */
  readonly step?: string;
  /** Number of the attempt, from 1, or several. Default: the next one, whichever it is. */
  readonly attempt?: number | readonly number[];
  /** How many Runs fail. Default: one for each attempt that is named, in one Task. */
  readonly times?: number;
  /** What the agent throws, or its message. Default `scripted failure`. */
  readonly error?: Error | string;
  /** As in `AgentError`; only with a message. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

interface Script {
  readonly failure: ScriptedFailure;
  left: number;
}

const keys = ["agent", "step", "attempt", "times", "error", "retryable", "retryAfterMs"];

/** The failures that a test has scripted, and the agents that fail by them. */
export class ScriptedFailures {
  readonly #scripts = new Set<Script>();

  /** @throws {TypeError | RangeError} naming what is wrong with it */
  add(failure: ScriptedFailure): void {
    const { attempt, times } = checked(failure);
    if (this.#scripts.size >= limits.scriptedFailures) {
      throw new RangeError(
        `${limits.scriptedFailures} scripted failures wait: let some of them happen first.`,
      );
    }
    const left = times ?? (Array.isArray(attempt) ? attempt.length : 1);
    this.#scripts.add({ failure, left });
  }

  /**
   * The agent, failing by the scripts in place of working.
   *
   * @param patienceMs how long virtual time waits for it, in real milliseconds
   */
  applied(agent: Agent, activity: Activity, patienceMs: number): Agent {
    if (typeof agent?.perform !== "function") return agent; // refused by name where workers are made
    const perform = async (inputJson: string, ctx: AgentContext): Promise<unknown> => {
      const end = activity.begin(patienceMs);
      try {
        const error = this.#take(agent.name, ctx);
        if (error) throw error;
        return await agent.perform(inputJson, ctx);
      } finally {
        end();
      }
    };
    // Defined, not assigned: an agent may be frozen.
    return Object.create(agent, { perform: { value: perform, enumerable: true } }) as Agent;
  }

  #take(agentName: string, { stepName, attempt }: AgentContext): Error | undefined {
    for (const script of this.#scripts) {
      const { agent = agentName, step = stepName, attempt: which = attempt } = script.failure;
      const matches = agent === agentName && step === stepName && [which].flat().includes(attempt);
      if (!matches) continue;
      script.left -= 1;
      if (script.left <= 0) this.#scripts.delete(script);
      return errorOf(script.failure);
    }
    return undefined;
  }
}

function errorOf({ error = "scripted failure", retryable, retryAfterMs }: ScriptedFailure): Error {
  if (typeof error !== "string") return error;
  return new AgentError(error, {
    ...(retryable !== undefined && { retryable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function checked(failure: ScriptedFailure): ScriptedFailure {
  if (typeof failure !== "object" || failure === null)
    throw new TypeError("fail(failure): failure is no object");
  const wrong = Object.keys(failure).find((key) => !keys.includes(key));
  if (wrong !== undefined) throw new TypeError(`fail(failure) has no ${wrong}; there are ${keys.join(", ")}`);
  const { attempt = 1, times = 1, error = "" } = failure;
  for (const each of [attempt].flat()) wholeFrom1(each, "attempt");
  wholeFrom1(times, "times");
  if (typeof error === "string") errorOf(failure);
  else if (!(error instanceof Error)) throw new TypeError("fail(failure): error is no Error and no text");
  else if (failure.retryable !== undefined || failure.retryAfterMs !== undefined) {
    throw new TypeError(
      "fail(failure): retryable and retryAfterMs go with a text; an AgentError has its own",
    );
  }
  return failure;
}

function wholeFrom1(value: unknown, name: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return;
  throw new RangeError(`fail(failure): ${name} is ${String(value)}, not a whole number from 1`);
}
