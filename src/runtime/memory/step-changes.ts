import type { Command } from "#actors/commands";
import type { StepRow } from "#domain/task/step";
import { utf8Bytes } from "#domain/text/text";

/** Changes of a Step's row that are no step in its life. */

/** With more that it waits for, more that waits for it, or more that it has made. */
export function withDependencies(
  row: StepRow,
  more: Extract<Command, { type: "addDependencies" }>["params"],
): StepRow {
  const { dependsOn = [], dependants = [], members = [], unsatisfied = 0 } = more;
  return {
    ...row,
    dependsOn: [...row.dependsOn, ...dependsOn],
    dependants: [...row.dependants, ...dependants],
    members: [...row.members, ...members],
    unsatisfied: row.unsatisfied + unsatisfied,
  };
}

/** With the length of its own input, so that the scheduler knows of it before it is loaded. */
export function withInput(row: StepRow, json: string): StepRow {
  return { ...row, inputBytes: utf8Bytes(json) };
}
