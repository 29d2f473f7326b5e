import type { StepState } from "#domain/task/step";
import { type StepType, stepTypes } from "#domain/template/template";
import { looks } from "./draw.js";
import { comment, duration, node } from "./mermaid.js";

/**
 * A Step as {@link drawTask} needs it. A `Step` of the client fits. Times are Unix milliseconds, 0 if not set.
 *
 * @example
 * ```ts
 * import type { DrawnStep } from "taskrun/templates";
 *
 * const step: DrawnStep = {
 *   name: "charge",
 *   type: "standard",
 *   state: "complete",
 *   dependsOn: ["reserve"],
 *   startedAtMs: 1_700_000_000_000,
 *   finishedAtMs: 1_700_000_004_200,
 *   attempts: 2,
 *   errorMessage: "",
 * };
 * ```
 */
export interface DrawnStep {
  readonly name: string;
  /** A step type; an unknown one is drawn as `standard`. */
  readonly type: string;
  /** A step state; an unknown one is drawn without a colour. */
  readonly state: string;
  readonly dependsOn: readonly string[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly attempts: number;
  readonly errorMessage: string;
}

/**
 * A Task as {@link drawTask} needs it. A `Task` of the client fits.
 *
 * @example
 * ```ts
 * import type { Task } from "taskrun/client";
 * import type { DrawnTask } from "taskrun/templates";
 *
 * const titled = (task: Task, title: string): DrawnTask => ({ ...task, id: title });
 * ```
 */
export interface DrawnTask {
  readonly id: string;
  readonly status: string;
  readonly steps: readonly DrawnStep[];
}

/** The style of each state's nodes, readable in light and dark themes. */
const colours: Readonly<Record<StepState, string>> = {
  pending: "fill:#f4f4f5,stroke:#a1a1aa,color:#3f3f46",
  enqueued: "fill:#e0f2fe,stroke:#0284c7,color:#0c4a6e",
  in_progress: "fill:#bfdbfe,stroke:#1d4ed8,color:#1e3a8a,stroke-width:3px",
  enqueued_for_orchestration: "fill:#dbeafe,stroke:#2563eb,color:#1e3a8a",
  enqueued_as_error_for_orchestration: "fill:#ffedd5,stroke:#ea580c,color:#7c2d12",
  waiting_for_retry: "fill:#fef3c7,stroke:#d97706,color:#78350f",
  complete: "fill:#dcfce7,stroke:#16a34a,color:#14532d",
  error: "fill:#fee2e2,stroke:#dc2626,color:#7f1d1d,stroke-width:3px",
  cancelled: "fill:#e4e4e7,stroke:#71717a,color:#3f3f46,stroke-dasharray:4 3",
  resolved_manually: "fill:#f3e8ff,stroke:#9333ea,color:#581c87",
};

/**
 * Draws a Task as a Mermaid flowchart: each Step with its state, its duration and its number of attempts.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 * import { drawTask } from "taskrun/templates";
 *
 * console.log(drawTask(await createClient().tasks.get("TASK_ID")));
 * ```
 */
export function drawTask({ id, status, steps }: DrawnTask): string {
  const ids = new Map(steps.map(({ name }, i) => [name, `s${i}`]));
  const nodes = steps.map((step) => {
    const look = isStepType(step.type) ? looks[step.type] : "rect";
    return node(ids.get(step.name) ?? "", look, linesOf(step), isState(step.state) ? step.state : "");
  });
  const edges = steps.flatMap(({ name, dependsOn }) =>
    dependsOn.flatMap((before) => {
      const from = ids.get(before);
      return from === undefined ? [] : [`  ${from} --> ${ids.get(name)}`];
    }),
  );
  const used = new Set(steps.map(({ state }) => state).filter(isState));

  return [
    "flowchart TD",
    comment(`${id} ${status}`),
    ...nodes,
    ...edges,
    ...[...used].map((state) => `  classDef ${state} ${colours[state]}`),
    "",
  ].join("\n");
}

function linesOf({ name, state, startedAtMs, finishedAtMs, attempts, errorMessage }: DrawnStep): string[] {
  const facts = [state.replaceAll("_", " ")];
  if (startedAtMs > 0 && finishedAtMs > 0) facts.push(duration(Math.max(0, finishedAtMs - startedAtMs)));
  else if (startedAtMs > 0) facts.push(`since ${new Date(startedAtMs).toISOString()}`);
  if (attempts > 1) facts.push(`${attempts} tries`);
  return [name, facts.join(" · "), ...(errorMessage === "" ? [] : [errorMessage])];
}

function isState(text: string): text is StepState {
  return Object.hasOwn(colours, text);
}

function isStepType(text: string): text is StepType {
  return stepTypes.some((type) => type === text);
}
