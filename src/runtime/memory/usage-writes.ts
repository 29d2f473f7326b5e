import type { RunRow } from "#domain/task/run";
import type { TaskRow } from "#domain/task/task";
import { addUsage, NO_USAGE, type Usage } from "#domain/task/usage";

/** The Run with what it has used besides. */
export function withRunUsage(run: RunRow, used: Usage): RunRow {
  return { ...run, usage: addUsage(run.usage ?? NO_USAGE, used) };
}

/** What changes in a Task for which something was used. */
export function taskUsage(
  { usage = NO_USAGE, lateUsage = NO_USAGE }: Pick<TaskRow, "usage" | "lateUsage">,
  { used, isLate }: { readonly used: Usage; readonly isLate: boolean },
): Pick<TaskRow, "usage" | "lateUsage"> {
  return { usage: addUsage(usage, used), ...(isLate && { lateUsage: addUsage(lateUsage, used) }) };
}
