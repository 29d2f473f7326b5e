import { rowsOfDraft } from "#actors/task/make";
import { type Plan, planOf } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import type { TaskDraft, TaskSpec } from "#domain/task/task";
import type { TemplateBody, TemplateRow, TemplateStep } from "#domain/template/template";
import { NEVER } from "#domain/time/time";
import { spec, t1 } from "./rows.js";

/** What needs no agent of its own. */
const WITHOUT_AGENT = new Set(["child_task", "timer", "signal"]);

/** A template of these steps, all of agent `triage` and tried once unless they say more. */
export function template(
  steps: readonly (Partial<TemplateStep> & { readonly name: string })[],
  part: Partial<TemplateBody> = {},
): TemplateBody {
  return {
    name: "flow",
    namespace_name: "default",
    version: "1.0.0",
    steps: steps.map((step): TemplateStep => {
      const handler = WITHOUT_AGENT.has(step.type ?? "") ? {} : { handler: { callable: "triage" } };
      return { retry: { max_attempts: 1 }, ...handler, ...step };
    }),
    ...part,
  };
}

export function plan(...args: Parameters<typeof template>): Plan {
  return planOf(template(...args), "development");
}

/** A registered template; its digest is only as good as its name and version. */
export function registered(body: TemplateBody, part: Partial<TemplateRow> = {}): TemplateRow {
  const { name, namespace_name: namespace, version } = body;
  return { namespace, name, version, body, source: "", digest: "d1", registeredAt: NEVER, ...part };
}

/** What a client sends that wants a Task of this plan. */
export function planDraft(of: Plan, part: Partial<TaskSpec> = {}, id: string = t1, input = "{}"): TaskDraft {
  const { template: ref, timeoutMs, holdOnFailure, isCompensable } = of;
  const known = { agentName: "", template: ref, maxAttempts: 0, timeoutMs, holdOnFailure, isCompensable };
  return {
    id: id as TaskId,
    namespace: "default",
    input,
    plan: of,
    spec: spec({ ...known, ...part }),
  };
}

/** The Steps a Task of this plan begins with, some of them further on. */
export function stepsOf(of: Plan, further: Readonly<Record<string, Partial<StepRow>>> = {}): StepRow[] {
  const { steps } = rowsOfDraft(planDraft(of), { announcementOf: () => undefined }, NEVER);
  return steps.map((row) => ({ ...row, ...further[row.name] }));
}

/** The one of these that is called so. */
export function called(name: string, steps: readonly StepRow[]): StepRow {
  const found = steps.find((row) => row.name === name);
  if (!found) throw new Error(`there is no step "${name}" among ${steps.map((row) => row.name).join(", ")}`);
  return found;
}
