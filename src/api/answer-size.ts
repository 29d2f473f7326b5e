import type { RunDetail } from "#domain/task/run";
import type { StepSummary } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { AgentView } from "#domain/worker/agent";
import { limits } from "#limits/index";

/*
 * Estimates of the bytes that things take in an answer, never much too low: their texts, and an allowance for the rest.
 * An answer that is bounded by them fits into one message of any protocol with short field names.
 */

/** Eight numbers. */
const USAGE = 96;

/** A Task without input, Steps and results. */
export function taskBytes({ spec, errorMessage, usage }: TaskRow): number {
  const { template, parent } = spec;
  const texts = [spec.agentName, spec.createdBy, spec.correlationId, errorMessage, parent?.stepName ?? ""];
  if (template) texts.push(template.namespace, template.name, template.version);
  if (spec.warnings) texts.push(...spec.warnings);
  const maps = [spec.labels, spec.workerSelector].flatMap((labels) => Object.entries(labels).flat());
  return sum([...texts, ...maps].map((text) => Buffer.byteLength(text) + 4)) + 384 + (usage ? 2 * USAGE : 0);
}

/** A Step without result and error message. */
export function stepBytes({
  name,
  agentName,
  dependsOn,
}: Pick<StepSummary, "name" | "agentName" | "dependsOn">): number {
  return (
    Buffer.byteLength(name) +
    Buffer.byteLength(agentName) +
    sum(dependsOn.map((each) => Buffer.byteLength(each) + 3)) +
    128
  );
}

/** A Run without error message and model. */
export function runBytes({
  workerId,
  stepName,
  usage,
}: Pick<RunDetail, "workerId" | "stepName" | "usage">): number {
  return Buffer.byteLength(workerId) + Buffer.byteLength(stepName) + 128 + (usage ? USAGE : 0);
}

/** A template in a list: a description may be long. */
export function templateBytes({ namespace, name, body }: TemplateRow): number {
  return 256 + Buffer.byteLength(namespace + name + (body.description ?? ""));
}

/** An agent in a list: its schema may be long. */
export function agentBytes({ namespace, name, description, announced }: AgentView): number {
  const texts = [namespace, name, description, announced.inputSchema, ...announced.retry.only];
  return sum(texts.map((text) => Buffer.byteLength(text) + 4)) + 256;
}

/** The first elements, until the next would exceed the limit. */
export function asManyAsFit<T>(all: readonly T[], size: (one: T) => number, bytes: number): readonly T[] {
  const fits = upTo(bytes);
  const end = all.findIndex((one) => !fits(size(one)));
  return end === -1 ? all : all.slice(0, end);
}

/** As many rows as fit into a page; at least the first one. */
export function inOnePage<T>(rows: readonly T[], size: (row: T) => number): readonly T[] {
  const fitting = asManyAsFit(rows, size, limits.pageBytes);
  return fitting.length === 0 ? rows.slice(0, 1) : fitting;
}

/** Returns a function that adds up the sizes it is called with, and returns true while the sum is at most `bytes`. */
export function upTo(bytes: number): (more: number) => boolean {
  let left = bytes;
  return (more) => {
    left -= more;
    return left >= 0;
  };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
