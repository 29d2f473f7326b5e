import { Fault } from "#domain/fault";
import type { Labels } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";

/** What a request of Tasker says of a Task that has no field of its own here. */
export interface TaskerNotes {
  /** Empty if nothing was said; likewise the others. */
  readonly sourceSystem: string;
  readonly reason: string;
  readonly parentCorrelationId: string;
  /** When it was asked for, as its sender wrote it. */
  readonly requestedAt: string;
  /** Without repeats, in the order given. */
  readonly tags: readonly string[];
}

const PREFIX = "tasker.";
/** A tag is in the name of its label, so that Tasks can be listed by any of them. */
const TAG = `${PREFIX}tag.`;

const names = {
  sourceSystem: "source_system",
  reason: "reason",
  parentCorrelationId: "parent_correlation_id",
  requestedAt: "requested_at",
} as const satisfies Record<Exclude<keyof TaskerNotes, "tags">, string>;
const plain = Object.entries(names) as [keyof typeof names, string][];

/**
 * The labels that keep what a request of Tasker says. They are also what a list is filtered by.
 *
 * @throws {Fault} `invalid`, naming the field of Tasker, if one is longer than a label, or if there are more tags than labels
 */
export function labelsOf({ tags = [], ...notes }: Partial<TaskerNotes>): Labels {
  const labels: Record<string, string> = {};
  for (const [key, field] of plain) {
    const value = notes[key] ?? "";
    if (value === "") continue;
    checkLength(field, value);
    labels[`${PREFIX}${field}`] = value;
  }
  for (const tag of tags) {
    if (tag === "") throw invalid("tags", "has an empty one: leave it out.");
    checkLength("tags", `${TAG}${tag}`);
    labels[`${TAG}${tag}`] = "";
  }
  const count = Object.keys(labels).length;
  if (count > limits.labels) {
    throw invalid("tags", `has ${tags.length} entries; a Task has at most ${limits.labels} labels in all.`);
  }
  return labels;
}

/** What the labels of a Task say of it in the words of Tasker; nothing of a Task that was created otherwise. */
export function notesIn(labels: Labels): TaskerNotes {
  const note = (key: keyof typeof names) => labels[`${PREFIX}${names[key]}`] ?? "";
  const tags = Object.keys(labels).filter((name) => name.startsWith(TAG));
  return {
    sourceSystem: note("sourceSystem"),
    reason: note("reason"),
    parentCorrelationId: note("parentCorrelationId"),
    requestedAt: note("requestedAt"),
    tags: tags.map((name) => name.slice(TAG.length)),
  };
}

function checkLength(field: string, text: string): void {
  const bytes = utf8Bytes(text);
  if (bytes <= limits.labelBytes) return;
  const whole = field === "tags" ? `, with "${TAG}" before it` : "";
  throw invalid(
    field,
    `is ${bytes} bytes long${whole}; the limit is ${limits.labelBytes}: send a shorter one.`,
  );
}

function invalid(field: string, message: string): Fault {
  return new Fault("invalid", `${field} ${message}`, { field });
}
