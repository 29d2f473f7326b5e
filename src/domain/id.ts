/** A string that cannot be mistaken for another kind of id. */
type Branded<Kind extends string> = string & { readonly __kind: Kind };

/** UUIDv7, made by the Entropy port; sorts by creation time. */
export type TaskId = Branded<"TaskId">;
/** UUIDv7 of one attempt. Never assigned twice. */
export type RunId = Branded<"RunId">;
/** UUIDv7 of one worker stream: a new one at every hello. */
export type SessionId = Branded<"SessionId">;
/** The name a worker gives itself; unique together with its principal. */
export type WorkerId = Branded<"WorkerId">;

/** What a Task that names one agent calls its only Step. */
export const MAIN_STEP = "main";

/** A Step is known by its Task and its name in the Task's DAG. */
export interface StepKey {
  readonly taskId: TaskId;
  readonly stepName: string;
}

/** One string for a {@link StepKey}, to key a Map with. */
export function stepKey({ taskId, stepName }: StepKey): string {
  return `${taskId}/${stepName}`;
}
