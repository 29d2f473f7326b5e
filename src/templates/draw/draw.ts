import { batchWorkersOf, type WorkersOfBatches } from "#domain/graph/batch-workers";
import { planDefaults } from "#domain/graph/plan-defaults";
import type { StepType, TemplateBody, TemplateStep } from "#domain/template/template";
import { templateKey } from "#domain/template/template";
import { comment, duration, type Look, node } from "./mermaid.js";

/** The node shape of each step type. */
export const looks: Readonly<Record<StepType, Look>> = {
  standard: "rect",
  decision: "diamond",
  deferred_convergence: "hex",
  batchable: "docs",
  batch_worker: "procs",
  map: "procs",
  child_task: "subproc",
  timer: "delay",
  signal: "lean-r",
};

/**
 * Draws a template as a Mermaid flowchart. Solid arrows are dependencies, thick ones lead from a batch to its workers,
 * dotted ones from a step to the step that compensates it.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { drawTemplate, readTemplate } from "taskrun/templates";
 *
 * const { template } = readTemplate(await readFile("booking.yaml", "utf8"));
 * if (template) console.log(drawTemplate(template.body));
 * ```
 */
export function drawTemplate(body: TemplateBody): string {
  const { name, namespace_name: namespace, version, steps } = body;
  const ids = new Map(steps.map((step, i) => [step.name, `s${i}`]));
  const compensating = new Set(steps.flatMap(({ compensate }) => compensate ?? []));
  const nodes = steps.map((step) => {
    const compensates = compensating.has(step.name);
    const look = compensates ? "stadium" : looks[step.type ?? "standard"];
    return node(ids.get(step.name) ?? "", look, linesOf(step), compensates ? "compensation" : "");
  });
  const workers = batchWorkersOf(steps);
  const edges = steps.flatMap((step) => edgesOf(step, ids, workers));

  return [
    "flowchart TD",
    comment(templateKey({ namespace, name, version })),
    ...nodes,
    ...edges,
    ...(compensating.size > 0 ? ["  classDef compensation stroke-dasharray: 4 3"] : []),
    "",
  ].join("\n");
}

/** A batch has a thick arrow to each worker that it may have, in place of the dependency's. */
function edgesOf(step: TemplateStep, ids: ReadonlyMap<string, string>, workers: WorkersOfBatches): string[] {
  const { name, dependencies = [], compensate } = step;
  const to = ids.get(name);
  const edge = (from: string | undefined, arrow: string, into: string | undefined) =>
    from === undefined || into === undefined ? [] : [`  ${from} ${arrow} ${into}`];
  return [
    ...dependencies
      .filter((before) => !workers.get(before)?.includes(name))
      .flatMap((before) => edge(ids.get(before), "-->", to)),
    ...(workers.get(name) ?? []).flatMap((worker) => edge(to, "==>", ids.get(worker))),
    ...(compensate === undefined ? [] : edge(to, "-. compensated by .->", ids.get(compensate))),
  ];
}

/** The lines of a node: the step's name, its agent if named otherwise, and the settings of its type. */
function linesOf(step: TemplateStep): string[] {
  const { name, handler } = step;
  const agent = handler && handler.callable !== name ? [handler.callable] : [];
  return [name, ...agent, ...particulars(step)];
}

function particulars({
  name,
  type = "standard",
  batch_config,
  map,
  child,
  timer,
  signal,
}: TemplateStep): string[] {
  switch (type) {
    case "standard":
    case "decision":
    case "deferred_convergence":
      return [];
    case "batchable":
      return [`${batch_config?.parallelism ?? planDefaults.parallelism} batches at a time`];
    case "batch_worker":
      return ["one for each batch"];
    case "map":
      return [`each of ${map?.over}, ${map?.concurrency ?? planDefaults.concurrency} at a time`];
    case "child_task":
      return [`Task of ${child?.agent ?? child?.template?.name}`];
    case "timer":
      return [`waits ${duration(timer?.delay_ms ?? 0)}`];
    case "signal": {
      const limit = signal?.timeout_ms === undefined ? "" : `, at most ${duration(signal.timeout_ms)}`;
      return [`waits for ${signal?.name ?? name}${limit}`];
    }
  }
}
