import { createHash } from "node:crypto";
import { Fault } from "#domain/fault";
import type { Plan } from "#domain/graph/plan";
import type { Json } from "#domain/json/json";
import { isJsonObject } from "#domain/json/json";
import { budgetBounds, isBudget } from "#domain/task/budget";
import type { Labels, TaskSpec } from "#domain/task/task";
import { templateKey } from "#domain/template/template";
import { millis } from "#domain/time/time";
import type { NewTask } from "./new-task-input.js";

/** What identifies a piece of work for idempotency, and for how long. */
export type Identity = Pick<TaskSpec, "idempotencyKey" | "fingerprint" | "keyFor">;

/** The prefix of keys that a client library generates to be able to send a request again. */
const DRAWN = "drawn:";

/**
 * The identity of a Task: by the caller's key, or, if its template says so, by a key derived from the work itself.
 *
 * @param namespace the Task's, after defaults
 * @throws {Fault} `invalid` if the template requires a key from the caller and there is none
 */
export function identityOf(request: NewTask, namespace: string, plan: Plan | undefined): Identity {
  const { idempotencyKey: given, inputJson } = request;
  const own = given !== "" && !given.startsWith(DRAWN);
  if (plan?.identity === "caller_provided" && !own) throw keyMissing(plan);

  const keyFor = plan?.identityWindowMs ?? millis(0);
  if (plan?.identity === "strict" && !own) {
    const work = `strict:${sha256([templateKey(plan.template), canonical(inputJson)])}`;
    return { idempotencyKey: work, fingerprint: work, keyFor };
  }
  if (given === "") return { idempotencyKey: "", fingerprint: "", keyFor: millis(0) };
  return { idempotencyKey: given, fingerprint: fingerprint(request, namespace), keyFor };
}

/** The identity of a retry: the same key for the same Task is the same request. */
export function identityOfRetry(taskId: string, idempotencyKey: string): Identity {
  return {
    idempotencyKey,
    fingerprint: idempotencyKey && sha256(["RetryTask", taskId]),
    keyFor: millis(0),
  };
}

/** The identity of a fork: the same key for the same Task, Step and input is the same request. */
export function identityOfFork(
  idempotencyKey: string,
  of: string,
  from: string,
  inputJson: string,
): Identity {
  const fingerprint = idempotencyKey && sha256(["ForkTask", of, from, inputJson]);
  return { idempotencyKey, fingerprint, keyFor: millis(0) };
}

function keyMissing({ template }: Plan): Fault {
  const message =
    `idempotency_key is required: template ${templateKey(template)} goes by the caller's own key, ` +
    `which does not begin with "${DRAWN}".`;
  return new Fault("invalid", message, {
    field: "idempotency_key",
    reason: "IDEMPOTENCY_KEY_REQUIRED",
  });
}

/** SHA-256 of all that makes two requests the same: everything after defaults except the key and the correlation id. */
function fingerprint(request: NewTask, namespace: string): string {
  const { template } = request;
  return sha256([
    "CreateTask",
    namespace,
    request.agentName,
    request.inputJson,
    request.createdBy,
    sorted(request.labels),
    request.priority,
    request.timeoutMs,
    request.maxAttempts,
    sorted(request.workerSelector),
    request.startAtMs,
    ...(template ? [template.namespace || namespace, template.name, template.version] : []),
    // Fields that came later are there only if they are set, so that keys outlive an upgrade.
    ...(request.maxLosses === undefined ? [] : [{ maxLosses: request.maxLosses }]),
    ...(isBudget(request.budget) ? [{ budget: budgetBounds.map((bound) => request.budget?.[bound]) }] : []),
  ]);
}

function sorted(labels: Labels): readonly (readonly [string, string])[] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Canonical JSON: names sorted, no whitespace, numbers in one form if a double represents them exactly. */
function canonical(json: string): string {
  return JSON.stringify(withSortedNames(JSON.parse(json.replace(TOKEN, exactToken)) as Json));
}

/** A string of JSON, or a number. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** A number of up to this many digits is exact as a double. */
const EXACT_DIGITS = 15;
/** As JSON writes the character 0, which begins a string that stands for a number. */
const NUL = "\\u0000";

/**
 * Numbers that a double would change become strings that begin with NUL; one that is none, but does so too, has it
 * twice.
 */
function exactToken(token: string): string {
  if (token.startsWith('"')) return token.startsWith(`"${NUL}`) ? `"${NUL}${token.slice(1)}` : token;
  const digits = token.replace(/[eE].*/, "").replace(/\D/g, "").length;
  const isExact = digits <= EXACT_DIGITS && Number.isFinite(Number(token));
  return isExact ? token : `"${NUL}${token}"`;
}

function withSortedNames(value: Json): Json {
  if (Array.isArray(value)) return value.map(withSortedNames);
  if (!isJsonObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, withSortedNames(value[name] ?? null)]));
}

function sha256(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
