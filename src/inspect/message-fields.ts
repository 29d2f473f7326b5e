import { limits } from "#limits/index";
import type { InspectedMessage } from "#ports/inspection";
import { clipped } from "./payloads.js";
import type { InspectedFields } from "./protocol.js";

/**
 * The fields of messages that are shown: ids, counters, instants, and words of closed sets. Every other field is left out,
 * so that a new one shows no payload before somebody has decided that it may.
 */
const shown: ReadonlySet<string> = new Set([
  "at",
  "attempt",
  "avoidUntil",
  "avoidWorker",
  "bytes",
  "capacity",
  "childId",
  "count",
  "due",
  "fence",
  "from",
  "fruitless",
  "group",
  "how",
  "inDoubt",
  "instance",
  "isFinal",
  "isolated",
  "kind",
  "lastOrdinal",
  "order",
  "outputBytes",
  "protocol",
  "rank",
  "reason",
  "retryAfter",
  "retryable",
  "runId",
  "seq",
  "session",
  "signal",
  "startedAt",
  "status",
  "stepName",
  "taken",
  "taskId",
  "to",
  "tolerated",
  "type",
  "until",
  "workerId",
]);

/** Parts of messages that are objects, of which the same fields are shown. */
const parts = ["report", "end", "action", "held", "hello"] as const;

/** The message as viewers get it. @param payloads true shows all of its fields, clipped */
export function fieldsOf(message: InspectedMessage, payloads: boolean): InspectedFields {
  const fields = payloads ? allOf(message) : shownOf(message);
  return fields as unknown as InspectedFields;
}

function allOf(message: InspectedMessage): Record<string, unknown> {
  // Who calls is no payload, and nobody else's business.
  const { caller: _, ...rest } = message as unknown as Readonly<Record<string, unknown>>;
  return clipped(rest) as Record<string, unknown>;
}

function shownOf(message: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name in message) {
    const value: unknown = message[name as keyof object];
    if (typeof value === "object") {
      if (value !== null) addPart(fields, name, value);
    } else if (shown.has(name)) fields[name] = value;
  }
  return fields;
}

function addPart(fields: Record<string, unknown>, name: string, value: object): void {
  if (name === "placements" || name === "drafts") {
    const list = value as readonly { readonly id?: string; readonly taskId?: string }[];
    fields.count = list.length;
    fields.tasks = list.slice(0, limits.inspectNames).map(({ id, taskId }) => taskId ?? id);
  } else if (parts.some((part) => part === name)) fields[name] = shownOf(value);
}
