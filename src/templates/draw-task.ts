import type { StepState } from "#domain/step";
import { type StepType, stepTypes } from "#domain/template";
import { looks } from "./draw.js";
import { comment, duration, node } from "./mermaid.js";

/** A step of a live Task, as a picture needs it; times in Unix milliseconds, 0 for not yet. */
export interface DrawnStep {
  readonly name: string;
  /** One of the step types; anything else is drawn as a standard step. */
  readonly type: string;
  /** One of the step states; anything else is drawn without a colour. */
  readonly state: string;
  readonly dependsOn: readonly string[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly attempts: number;
  readonly errorMessage: string;
}

export interface DrawnTask {
  readonly id: string;
  readonly status: string;
  readonly steps: readonly DrawnStep[];
}

/** What colours each state: fill and line of a box, with text that stays readable on it. */
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

/** A live or finished Task as a Mermaid flowchart: each step with its state, how long it took, and its tries. */
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
