import type { Command } from "#actors/commands";
import type { StepRow } from "#domain/task/step";
import { utf8Bytes } from "#domain/text/text";

/** Changes of a Step's row that do not change its state. */

/** The row with further dependencies, dependants or members. */
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

/** The row with the UTF-8 length of the Step's own input, which the scheduler needs without loading the text. */
export function withInput(row: StepRow, json: string): StepRow {
  return { ...row, inputBytes: utf8Bytes(json) };
}
