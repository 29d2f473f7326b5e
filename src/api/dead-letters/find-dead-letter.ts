import type { TaskId } from "#domain/id";
import { deadLetterNotFound } from "#domain/refusals";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { TaskResource } from "../authorize.js";
import { type Request, readsOf } from "../use-case.js";

/** An existing dead letter, with the namespace of its Task as the resource. */
export interface FoundDeadLetter {
  readonly resource: TaskResource;
  readonly letter: DeadLetterRow;
}

/**
 * Reads the dead letter that a request is about.
 *
 * @throws {Fault} `not_found`, with the same text as for one of another's namespace
 */
export async function findDeadLetter(
  { taskId: id }: { readonly taskId: TaskId },
  request: Request,
): Promise<FoundDeadLetter> {
  const letter = await readsOf(request).deadLetter(id);
  if (!letter) throw deadLetterNotFound(id);
  return { resource: { kind: "task", id, namespace: letter.namespace }, letter };
}
