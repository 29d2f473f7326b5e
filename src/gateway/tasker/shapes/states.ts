import { type TaskState, taskStates } from "#domain/task/task";

/** The state that a word of Tasker means, whose older clients say `in_progress`; undefined if there is none. */
export function taskStateOf(word: string): TaskState | undefined {
  const lower = word.toLowerCase();
  return lower === "in_progress" ? "steps_in_process" : taskStates.find((state) => state === lower);
}
