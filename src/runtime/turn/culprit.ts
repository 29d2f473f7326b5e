import type { AddressedMessage, Command } from "#actors/commands";
import type { RunId, StepKey, TaskId } from "#domain/id";
import { isTerminal } from "#domain/task/task";
import type { Workspace } from "../memory/workspace.js";

/** The Run, Step or Task that a message failed on. An empty Step or Run means that the whole Task is meant. */
export interface Culprit extends StepKey {
  readonly runId: RunId | "";
}

/** The message that was being decided when deciding failed, and its command that was being carried out, if any. */
export interface Deciding {
  readonly command: Command | undefined;
  readonly addressed: AddressedMessage | undefined;
}

/**
 * Finds what to end so that the message can be decided without it: what the failing command names, or else what the
 * message names. Undefined if neither names something of a live Task.
 *
 * Call it after the cascade has been rolled back, so that rows which the cascade created are not found.
 */
export function culpritOf({ command, addressed }: Deciding, work: Workspace): Culprit | undefined {
  for (const named of [
    command && namedByCommand(command, work),
    addressed && namedByMessage(addressed, work),
  ]) {
    const task = named && work.task(named.taskId);
    if (named && task && !isTerminal(task.state)) return named;
  }
  return undefined;
}

export function culpritKey({ taskId, stepName, runId }: Culprit): string {
  return JSON.stringify([taskId, stepName, runId]);
}

interface Names {
  readonly taskId?: TaskId | "";
  readonly stepName?: string;
  readonly runId?: RunId | "";
}

function namedByCommand(command: Command, work: Workspace): Culprit | undefined {
  switch (command.type) {
    case "tell":
      return namedByMessage(command.params, work);
    case "createTask":
      return named({ taskId: command.params.task.id }, work);
    case "createStep":
      return named({ taskId: command.params.step.taskId, stepName: command.params.step.name }, work);
    case "createRun":
      return named({ taskId: command.params.run.taskId, stepName: command.params.run.stepName }, work);
    default:
      return named(command.params as Names, work);
  }
}

function namedByMessage({ message }: AddressedMessage, work: Workspace): Culprit | undefined {
  if (message.type === "report") return named({ runId: message.report.runId }, work);
  if (message.type !== "assign") return named(message as Names, work);
  const [only, ...others] = message.placements;
  return only && others.length === 0
    ? named({ taskId: only.taskId, stepName: only.stepName }, work)
    : undefined;
}

function named({ taskId = "", stepName = "", runId = "" }: Names, work: Workspace): Culprit | undefined {
  const run = runId === "" ? undefined : work.run(runId);
  if (run) return { taskId: run.taskId, stepName: run.stepName, runId: run.id };
  return taskId === "" ? undefined : { taskId, stepName, runId: "" };
}
