import { z } from "zod";
import type { Plan } from "#domain/graph/plan";
import type { TaskDraft } from "#domain/task/task";
import { limits } from "#limits/index";
import { reason, taskId } from "../fields.js";
import { type Request, useCase } from "../use-case.js";
import { jsonText, optionalName } from "../validate.js";
import { checkAgentInput } from "./agent-terms.js";
import { submit } from "./create-task.js";
import { checkInput, draftAgain, FORK } from "./draft.js";
import { findTask } from "./find-task.js";
import { identityOfFork } from "./identity.js";

/** ForkTask: a new Task that begins with the results of an ended one, as far as they do not come after a Step. */
export const forkTask = useCase({
  action: "task.fork",
  input: z.object({
    id: taskId,
    from: optionalName,
    inputJson: jsonText(""),
    idempotencyKey: optionalName,
    reason,
  }),
  answerBytes: limits.messageBytes,
  find: findTask,
  perform: async ({ id, from, inputJson, idempotencyKey, reason }, request, { detail }) => {
    const identity = identityOfFork(idempotencyKey, id, from, inputJson);
    const input = inputJson || detail.input;
    const draft = await draftAgain({ task: detail.task, input }, identity, request, FORK);
    const checked = inputJson === "" ? draft : await withCheckedInput(draft, request);
    return submit({ ...checked, fork: { of: id, from }, reason }, request, true);
  },
});

/** Checks an input that is another than the old Task's, as one of a new Task. */
async function withCheckedInput(draft: TaskDraft, { services }: Request): Promise<TaskDraft> {
  const { plane, schemas } = services;
  const { input, namespace, spec } = draft;
  const plan: Plan | undefined = draft.plan;
  const agent = plan ? undefined : plane.agent(namespace, spec.agentName);
  const { refusal, warnings = [] } =
    (plan
      ? await checkInput(plan, input, schemas)
      : agent && (await checkAgentInput(agent, input, schemas))) ?? {};
  if (refusal && spec.idempotencyKey === "") throw refusal;
  const said = [...(spec.warnings ?? []), ...warnings];
  return {
    ...draft,
    ...(refusal && { refusal }),
    ...(said.length > 0 && { spec: { ...spec, warnings: said } }),
  };
}
