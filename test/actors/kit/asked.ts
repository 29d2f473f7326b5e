import type { Command } from "#actors/commands";
import { Fault } from "#domain/fault";
import { stepActionsIn } from "#domain/task/step-action";

/**
 * Asks as an operator would tell them, one line each: who is told what. Moments of now and places in the
 * queue are left out; `createStep` says what the Step waits for.
 */
export function asked(commands: readonly Command[]): string[] {
  return commands.map(line);
}

function line(command: Command): string {
  switch (command.type) {
    case "advanceStep":
      return said(command.params.stepName, command.params.message);
    case "advanceTask":
      return said("task", command.params.message);
    case "advanceRun":
      return said(command.params.runId, command.params.message);
    case "tell":
      return said("tell", command.params.message);
    case "createTask": {
      const { task, input } = command.params;
      return `new task ${task.id} ${input}`;
    }
    case "createStep": {
      const { name, dependsOn, unsatisfied } = command.params.step;
      return `new ${name} after [${dependsOn.join(" ")}] open ${unsatisfied}`;
    }
    case "keepActions": {
      const { stepName, json } = command.params;
      const last = stepActionsIn(json).actions.at(-1);
      return `noted ${stepName || "task"} ${last?.type} by ${last?.actor}`;
    }
    case "reply": {
      const { answer } = command.params;
      if (answer.type === "fault") return `refused ${text(answer.fault)}`;
      return `answer ${answer.type === "tasks" ? answer.tasks.map(text).join(" ") : answer.type}`;
    }
    default:
      return said(command.type, { type: "", ...command.params });
  }
}

/** These are the same in every line of a story. */
const LEFT_OUT = new Set(["type", "at", "lane", "rank", "taskId"]);

function said(who: string, { type, ...fields }: { readonly type: string }): string {
  const isDeadline = who === "setDeadline";
  const rest = Object.entries(fields)
    .filter(([name]) => !LEFT_OUT.has(name) || (isDeadline && name === "at"))
    .map(([name, value]) => (Array.isArray(value) ? `${name} [${value.join(" ")}]` : text(value)));
  return [who, type, ...rest].filter((word) => word !== "").join(" ");
}

function text(value: unknown): string {
  if (value instanceof Fault) return `${value.reason}: ${value.message}`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
