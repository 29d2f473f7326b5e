/**
 * Thrown by `ended` of {@link TestPlane}: the Task has not ended, and goes on only after time has passed, or somebody has
 * done something. The message says what each of its Steps waits for, and the call that lets it go on.
 *
 * @example
 * ```ts
 * import { NotEnded, testPlane } from "taskrun/testing";
 *
 * await using plane = await testPlane();
 * const task = await plane.client.tasks.create({ agent: "draw" });
 * const error: unknown = await plane.ended(task).catch((error: unknown) => error);
 * if (error instanceof NotEnded) console.log(error.waits); // Step main waits for a worker …
 * ```
 */
export class NotEnded extends Error {
  override readonly name = "NotEnded";
  readonly taskId: string;
  /** What the Task waits for, a sentence each. */
  readonly waits: readonly string[];

  constructor(taskId: string, taskName: string, waits: readonly string[], transcript: string) {
    const reasons = waits.length > 0 ? waits : ["nothing is known that it waits for"];
    super(
      `${taskName} (${taskId}) has not ended, and does not go on by itself:\n${reasons
        .map((each) => `  - ${each}`)
        .join("\n")}\nWhat has happened:\n${transcript}`,
    );
    this.taskId = taskId;
    this.waits = waits;
  }
}
