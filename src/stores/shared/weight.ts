import type { LogEntry } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { Labels, TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";

/** Approximate bytes of a log entry in addition to its texts; and of a text in addition to its characters. */
const LINE = 200;
const FIELD = 32;
/** Approximate bytes of rows in addition to their texts. */
const TASK = 2 * 1024;
const STEP = 1024;
const RUN = 1536;
/** Approximate factor from JSON text to its parsed form, in which every name and number is an object. */
const PARSED = 4;

/** Approximate bytes of a log entry, without serializing it. */
export function weighLine(entry: LogEntry): number {
  switch (entry.type) {
    case "output":
      return LINE + entry.content.length + weighLabels(entry.metadata);
    case "chat":
      return LINE + entry.content.length;
    case "event":
      return LINE + entry.id.length + (entry.name?.length ?? 0) + weighLabels(entry.metadata);
    case "run":
      return LINE + weighBackend(entry.run);
    case "task":
      return LINE + entry.errorMessage.length;
    case "journal":
      return LINE + entry.record.name.length + entry.record.errorMessage.length;
    case "usage":
      return LINE + entry.used.model.length;
    case "step":
      return LINE + entry.step.errorMessage.length + weighNames(entry.step.dependsOn);
  }
}

export function weighRun(run: RunRow): number {
  return RUN + weighBackend(run) + run.errorDetail.length;
}

/** A Step's row without its spec, which never changes: see {@link weighSpec}. */
export function weighStep({ errorMessage, dependsOn, dependants, members, journal }: StepRow): number {
  const open = journal ? LINE * (1 + journal.open.length) : 0;
  const names = weighNames(dependsOn) + weighNames(dependants) + weighNames(members);
  return STEP + errorMessage.length + names + open;
}

/** A Step's spec: nothing for a Task that names an agent; for a template, as large as its author has made it. */
export function weighSpec({ spec }: StepRow): number {
  const { config, compensation, signal, compensates } = spec;
  const written = [config, compensation?.config, signal?.otherwise].filter((part) => part != null);
  const texts = written.reduce<number>((sum, part) => sum + JSON.stringify(part).length, 0);
  return texts * PARSED + (compensates?.error.length ?? 0);
}

export function weighTask({ spec, errorMessage, opened }: TaskRow): number {
  const groups = weighNames(Object.keys(opened));
  return TASK + groups + errorMessage.length + weighLabels(spec.labels) + weighLabels(spec.workerSelector);
}

/** A template: its source, and its body, which is about as long as the source and is parsed. */
export function weighTemplate({ source }: TemplateRow): number {
  return TASK + source.length * (1 + PARSED);
}

/** The variable part of a Run. */
function weighBackend({ errorMessage, backend }: Pick<RunRow, "errorMessage" | "backend">): number {
  if (backend === null) return errorMessage.length;
  const { provider, modelName, modalities, tools, metadata } = backend;
  return (
    errorMessage.length + weighNames([provider, modelName, ...modalities, ...tools]) + weighLabels(metadata)
  );
}

function weighNames(names: readonly string[]): number {
  let weight = 0;
  for (const name of names) weight += FIELD + name.length;
  return weight;
}

function weighLabels(labels: Labels): number {
  let weight = 0;
  for (const name in labels) weight += FIELD + name.length + (labels[name] ?? "").length;
  return weight;
}
