import type { Command } from "#actors/commands";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { Core } from "../core.js";
import type { Journal } from "../memory/journal.js";
import { withRunUsage } from "../memory/usage-writes.js";
import type { Workspace } from "../memory/workspace.js";
import type { NodeRows } from "../nodes/node-rows.js";
import type { CascadeParts } from "./context.js";

type OwnCommand = Extract<
  Command,
  { type: "keepTemplate" | "keepPause" | "endPause" | "moveStep" | "countUsage" }
>;
type NodeCommand = Parameters<NodeRows["carryOut"]>[0];

/** Carries out what is about templates, about pauses, about usage or, where a store is shared, about other nodes. */
export function carryOutRest(
  command: OwnCommand | NodeCommand,
  { context: { work, memory, nodes }, journal, at }: CascadeParts,
  putRun: (row: RunRow) => void,
  putStep: (row: StepRow) => void,
): void {
  switch (command.type) {
    case "keepTemplate":
      work.addTemplate(command.params.template);
      memory.addTemplate(command.params.template.namespace, journal);
      break;
    case "keepPause":
      memory.pauses.put(command.params.pause, journal);
      work.pauses.put(command.params.pause);
      break;
    case "endPause":
      memory.pauses.remove(command.params.scope, journal);
      work.pauses.remove(command.params.scope);
      break;
    case "moveStep": {
      const row = work.step(command.params);
      if (row) putStep({ ...row, lane: command.params.lane });
      break;
    }
    case "countUsage": {
      const row = work.run(command.params.runId);
      if (!row) break;
      const { model, used } = command.params;
      putRun(withRunUsage(row, used));
      work.usage.add(row, model, used, at);
      break;
    }
    default:
      nodes?.carryOut(command, putRun);
  }
}

/** Removes the pauses whose time has passed, before anything is assigned by them. */
export function endPauses({ memory, clock }: Core, work: Workspace, journal: Journal): void {
  if (memory.pauses.present.isEmpty) return;
  for (const { scope, until } of memory.pauses.end(clock.now(), journal)) work.pauses.remove(scope, until);
}
