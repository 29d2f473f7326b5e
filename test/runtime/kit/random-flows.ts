import fc from "fast-check";
import { backoffs } from "#domain/task/retry";
import type { TemplateBody, TemplateStep } from "#domain/template/template";
import { failureStrategies } from "#domain/template/template";
import { seededEntropy } from "#testing/virtual-time";
import type { Node, Reference, Word } from "./reference.js";
import { type Reply, template } from "./workflow-bench.js";

/** A template, and all the chance that a Task of it will meet. */
export interface Flow {
  readonly body: TemplateBody;
  /** Draws are made from it and a name, so that a smaller template keeps its fate. */
  readonly salt: number;
  /** How likely an attempt fails so that it can be tried again, or for good. */
  readonly fails: number;
  readonly breaks: number;
  /** How likely it saves a checkpoint and goes back, at most three times. */
  readonly yields: number;
}

/** What becomes one step, or a few that belong together. */
const newStep = fc.record({
  kind: fc.constantFrom(
    "standard",
    "standard",
    "standard",
    "decision",
    "join",
    "join",
    "batch",
    "map",
    "timer",
  ),
  /** Which of the steps before it depends on, counted back from the last one. */
  back: fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 4 }),
  width: fc.integer({ min: 1, max: 3 }),
  retry: fc.record({
    max_attempts: fc.integer({ min: 1, max: 3 }),
    backoff: fc.constantFrom(...backoffs),
    backoff_base_ms: fc.constant(100),
    max_backoff_ms: fc.constant(400),
    jitter: fc.constantFrom(0, 0.5),
  }),
  failure: fc.constantFrom(...failureStrategies),
});
type Sprout = typeof newStep extends fc.Arbitrary<infer Value> ? Value : never;

/** Templates of up to `most` steps, each step after all that it depends on; of `least` sprouts or more. */
export function flows(least: number, most: number): fc.Arbitrary<Flow> {
  return fc.record({
    body: fc
      .array(newStep, { minLength: least, maxLength: most, size: "max" })
      .map((newSteps) => template(stepsOf(newSteps, most))),
    salt: fc.integer({ min: 0 }),
    fails: fc.constantFrom(0, 0.1, 0.4),
    breaks: fc.constantFrom(0, 0, 0, 0.01, 0.1),
    yields: fc.constantFrom(0, 0, 0.3),
  });
}

function stepsOf(newSteps: readonly Sprout[], most: number): TemplateStep[] {
  const steps: TemplateStep[] = [];
  const add = (step: Partial<TemplateStep>, dependencies: readonly string[]): string => {
    const name = `${step.type ?? "step"}${steps.length}`;
    steps.push({
      name,
      ...step,
      ...(dependencies.length > 0 && { dependencies: [...new Set(dependencies)] }),
    });
    return name;
  };
  for (const { kind, back, width, retry, failure } of newSteps) {
    if (steps.length + width + 2 > most && steps.length > 0) break;
    const before = back.flatMap((i) => steps[steps.length - 1 - i]?.name ?? []);
    const decides = kind === "decision" && before.length > 0;
    if (decides) {
      const source = add({ type: "decision", retry }, before);
      for (let i = 0; i < width; i += 1) add({ retry }, i === 1 ? [source, ...before] : [source]);
    } else if (kind === "join" && before.length > 0) {
      add({ type: "deferred_convergence", retry }, before);
    } else if (kind === "batch") {
      const worker_template = `batch_worker${steps.length + 1}`;
      const batch_config = { worker_template, parallelism: width, failure_strategy: failure };
      const source = add({ type: "batchable", batch_config, retry }, before);
      const worker = add({ type: "batch_worker", retry }, width === 2 ? [source, ...before] : [source]);
      add({ type: width === 3 ? "deferred_convergence" : "standard", retry }, [
        worker,
        ...before.slice(0, 1),
      ]);
    } else if (kind === "map") {
      const [only] = before.length === 1 ? before : [];
      const fromStep = only !== undefined && steps.find(({ name }) => name === only)?.type === undefined;
      const over = fromStep ? `results/${only}/list` : `input/${width}`;
      add({ type: "map", map: { over, concurrency: width, failure_strategy: failure }, retry }, before);
    } else if (kind === "timer") add({ type: "timer", timer: { delay_ms: 500 } }, before);
    else add({ retry }, before);
  }
  return steps;
}

/** The input of every Task: lists for its maps. */
export const INPUT = { 1: [1], 2: [], 3: [1, 2, 3, 4, 5] } as const;

/** Fate: what a name draws. */
export function drawer(salt: number): (...about: readonly (string | number)[]) => number {
  return (...about) => {
    let hash = salt | 0;
    for (const letter of about.join(" ")) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) | 0;
    return seededEntropy(hash >>> 0).draw();
  };
}

/** How long the list is that a step's result holds. */
export function listLength({ salt }: Flow, name: string): number {
  return Math.floor(drawer(salt)("list", name) * 5);
}

/** How many members a map has. */
export function itemsOf(flow: Flow): (map: TemplateStep) => number {
  return ({ map }) => {
    const [from, at = ""] = map?.over.split("/") ?? [];
    return from === "input" ? INPUT[at as unknown as keyof typeof INPUT].length : listLength(flow, at);
  };
}

/** The last word about an attempt. */
export function fate(flow: Flow, reference: Reference, name: string): Word {
  const draw = drawer(flow.salt);
  const { plan, tries, yields } = reference.nodes.get(name) as Node;
  if (yields < 3 && draw("yields", name, yields) < flow.yields) return "yields";
  const luck = draw("luck", name, tries);
  if (luck < flow.breaks) return { ok: false, again: false };
  if (luck < flow.breaks + flow.fails) return { ok: false, again: true };
  if (plan.type === "decision") {
    const most = draw("most", name) < 0.2 ? 0 : 0.6;
    const likely = (each: string) => (reference.follows(each, name) ? most : most / 10);
    return {
      ok: true,
      chosen: reference.choices(name).filter((each) => draw("choice", name, each) < likely(each)),
    };
  }
  if (plan.type !== "batchable") return { ok: true };
  const count = batchCount(flow, name);
  return { ok: true, batches: Array.from({ length: Math.max(1, count) }, (_, i) => `00${i}`) };
}

function batchCount({ salt }: Flow, name: string): number {
  return Math.floor(drawer(salt)("count", name) * 6);
}

/** The same word as a worker says it. */
export function replyOf(flow: Flow, name: string, word: Word): Reply {
  if (word === "yields") return { cursor: name };
  if (!word.ok) return { error: `${name} fails`, retryable: word.again };
  if (word.chosen) {
    const type = word.chosen.length === 0 ? "no_branches" : "create_steps";
    return { result: { decision_point_outcome: { type, step_names: word.chosen } } };
  }
  if (word.batches) {
    const none = batchCount(flow, name) === 0;
    const cursor_configs = word.batches.map((batch_id) => ({ batch_id, batch_size: 1 }));
    const batches = { type: "create_batches", worker_count: cursor_configs.length, cursor_configs };
    return { result: { batch_processing_outcome: none ? { type: "no_batches" } : batches } };
  }
  return { result: { list: Array.from({ length: listLength(flow, name) }, (_, i) => i) } };
}
