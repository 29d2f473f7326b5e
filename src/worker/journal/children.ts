import type { ChildRequest, JournalWait } from "#domain/task/journal";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { labelsOf, textOf } from "../agent/checks.js";
import type { CallOptions } from "../agent/durable.js";
import { AgentError } from "../agent/error.js";
import { jsonOf } from "../agent/json-of.js";
import { kindOf } from "../agent/kind-of.js";
import { inputDigest } from "./canonical.js";
import type { Asked, Entry } from "./journal.js";
import { durationOf, journalName, optionsOf } from "./said.js";

const known = ["timeoutMs", "maxAttempts", "labels", "workerSelector"] as const;

/**
 * What `ctx.call` and `ctx.spawn` ask for: a child Task.
 *
 * @param what the function, for messages
 * @throws {TypeError | RangeError} naming the argument that is wrong
 * @throws {AgentError} if the input has no JSON form, or is too large
 */
export function childOf(
  agent: unknown,
  input: unknown,
  options: CallOptions | undefined,
  what: "call" | "spawn",
): { readonly asked: Asked; readonly wait: JournalWait } {
  const where = `${what}(agent, input, options)`;
  const target = targetOf(agent, where);
  const given = optionsOf(options, `${where}: options`, known);
  const { maxAttempts = 0, labels = {}, workerSelector = {} } = given;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 0 || maxAttempts > limits.maxAttempts) {
    throw new RangeError(
      `${where}: maxAttempts is ${maxAttempts}: send a whole number up to ${limits.maxAttempts}`,
    );
  }
  const json = jsonOf(input, `input of the child ${target.name}`);
  const child: ChildRequest = {
    ...{ agentName: target.agentName, template: target.template },
    input: json === "" ? "{}" : json,
    labels: labelsOf(labels, `${where}: labels`),
    timeoutMs: millis(durationOf(given.timeoutMs ?? 0, `${where}: timeoutMs`)),
    maxAttempts,
    workerSelector: labelsOf(workerSelector, `${where}: workerSelector`),
  };
  // An agent and a template may have the same name.
  const identity = target.template ? { template: target.template.name, input: input ?? null } : input;
  return {
    asked: {
      kind: "CHILD",
      name: target.name,
      inputDigest: inputDigest(identity, `input of the child ${target.name}`),
      effect: "IDEMPOTENT",
    },
    wait: { duration: millis(0), child },
  };
}

/** The result of a child that is over. @throws {AgentError} if it has none: not retryable, since it would be the same child */
export function childResult({ state, result, errorMessage, name, childId = "" }: Entry): unknown {
  if (state === "COMPLETED") return result === "" ? undefined : JSON.parse(result);
  const child = `the child task ${childId}${childId === "" ? "" : " "}("${name}")`;
  throw new AgentError(`${child} has failed: ${errorMessage || "it has no result"}`, { retryable: false });
}

type Target = Pick<ChildRequest, "agentName" | "template"> & { readonly name: string };

function targetOf(agent: unknown, where: string): Target {
  if (typeof agent === "string") return agentCalled(agent, where);
  if (typeof agent !== "object" || agent === null) {
    throw new TypeError(`${where}: agent is ${kindOf(agent)}: send an agent, its name, or { template }`);
  }
  if (!("template" in agent)) return agentCalled((agent as { name?: unknown }).name, where);
  const { template } = agent;
  const at = `${where}: template`;
  const named = typeof template === "string" ? { name: template } : template;
  if (typeof named !== "object" || named === null) {
    throw new TypeError(`${at} is ${kindOf(template)}: send its name, or { name, version }`);
  }
  const { name, version = "" } = named as { name?: unknown; version?: unknown };
  const known = journalName(name, `${at}.name`);
  const reference = { namespace: "", name: known, version: textOf(version, `${at}.version`) };
  return { agentName: "", template: reference, name: known };
}

function agentCalled(value: unknown, where: string): Target {
  const name = journalName(value, `${where}: agent`);
  return { agentName: name, template: null, name };
}
