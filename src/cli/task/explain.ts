import type { FailureCause, StepExplanation, Task, TaskExplanation } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { colorsFor, dateText, paintStatus } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";
import { sentence } from "./why.js";

/** `task explain`: prints why a task is where it is, and what can be done. */
export async function explainTask(
  id: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  await withClient(io, options, async (client) => {
    const whole = await wholeTaskId(client, id, io);
    const explanation = await client.tasks.explain(whole);
    if (options.json) return io.stdout.write(document(explanation));
    await io.stdout.write(told(explanation, await client.tasks.get(whole), io));
  });
  return exit.ok;
}

function told(explanation: TaskExplanation, task: Task, io: Io): string {
  const { id, status, state, causes, actions } = explanation;
  const colors = colorsFor(io.stdout, io);
  const sections = [
    `task ${oneLine(id)} is ${paintStatus(colors, status)} (${state})\n`,
    waits(explanation, task, io),
    causes.length === 0 ? "" : `because\n${causes.map((cause, depth) => failure(cause, depth)).join("")}`,
    actions.length === 0 ? "" : `what can be done\n${actions.map(actionLine(io)).join("")}`,
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function waits({ steps, moreSteps }: TaskExplanation, task: Task, io: Io): string {
  if (steps.length === 0) return "";
  const agents = new Map(task.steps.map(({ name, agent }) => [name, agent]));
  const lines = steps.map((step) => {
    const text = sentence(step, agents.get(step.name) ?? task.agent, io);
    return [`  ${oneLine(step.name)}: ${text}\n`, ...answers(step)].join("");
  });
  const more = moreSteps > 0 ? `  and ${moreSteps} more steps\n` : "";
  return `waits for\n${lines.join("")}${more}`;
}

/** What each worker that runs the agent says. */
function answers({ workers }: StepExplanation): string[] {
  return workers
    .filter(({ cause }) => cause !== "AGENT" && cause !== "")
    .map(({ workerId, cause, detail, untilMs }) => {
      const until = untilMs > 0 ? ` until ${dateText(untilMs)}` : "";
      return `    worker ${oneLine(workerId)}: ${oneLine(cause)}${detail && ` (${oneLine(detail)})`}${until}\n`;
    });
}

export function failure(cause: FailureCause, depth: number): string {
  const { taskId, stepName, runId, workerId, attempt, reason, message, detail } = cause;
  const what = stepName === "" ? `task ${taskId}` : `step ${stepName}`;
  const where = runId === "" ? what : `attempt ${attempt} of it on worker ${workerId}`;
  const why = [reason, message].filter((text) => text !== "").join(": ") || "no reason given";
  const stack = detail === "" ? [] : sanitize(detail).split("\n").slice(0, limits.shownDetailLines);
  const lead = "  ".repeat(Math.min(depth, limits.taskDepth) + 1);
  return [`${lead}${oneLine(`${where}: ${why}`)}`, ...stack.map((text) => `${lead}  ${text}`)]
    .map((text) => `${text}\n`)
    .join("");
}

/** The command as it is typed here. */
function actionLine({ self }: Pick<Io, "self">) {
  return ({ command, effect }: TaskExplanation["actions"][number]): string => {
    return `  ${oneLine(command.replace(/^taskrun /, `${self} `))}\n    ${oneLine(effect)}\n`;
  };
}
