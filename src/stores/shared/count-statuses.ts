import type { TaskStatus } from "#domain/task/task";

/** How often each status is there; those that are not there are absent. */
export function countStatuses(statuses: readonly TaskStatus[]): Partial<Record<TaskStatus, number>> {
  const counts: Partial<Record<TaskStatus, number>> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
