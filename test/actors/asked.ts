import type { Ask } from "#actors/asks";
import { Fault } from "#domain/fault";

/**
 * Asks as an operator would tell them, one line each: who is told what. Moments of now and places in the
 * queue are left out; `createStep` says what the Step waits for.
 */
export function asked(asks: readonly Ask[]): string[] {
  return asks.map(line);
}

function line(ask: Ask): string {
  switch (ask.type) {
    case "advanceStep":
      return said(ask.params.stepName, ask.params.message);
    case "advanceTask":
      return said("task", ask.params.message);
    case "advanceRun":
      return said(ask.params.runId, ask.params.message);
    case "tell":
      return said("tell", ask.params.message);
    case "createTask": {
      const { task, input } = ask.params;
      return `new task ${task.id} ${input}`;
    }
    case "createStep": {
      const { name, dependsOn, unsatisfied } = ask.params.step;
      return `new ${name} after [${dependsOn.join(" ")}] open ${unsatisfied}`;
    }
    case "reply": {
      const { answer } = ask.params;
      if (answer.type === "fault") return `refused ${text(answer.fault)}`;
      return `answer ${answer.type === "tasks" ? answer.tasks.map(text).join(" ") : answer.type}`;
    }
    default:
      return said(ask.type, { type: "", ...ask.params });
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
