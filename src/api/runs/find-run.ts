import { z } from "zod";
import { Fault } from "#domain/fault";
import { runNotFound } from "#domain/refusals";
import { isOver, type RunRow } from "#domain/task/run";
import type { RunResource } from "../authorize.js";
import { runId } from "../fields.js";
import { type Request, readsOf } from "../use-case.js";

/** The Run that reads, with the fence of its assignment. */
export const reader = z.object({ runId, fence: z.number() });
export type Reader = z.output<typeof reader>;

export interface FoundRun {
  readonly resource: RunResource;
  readonly run: RunRow;
}

/**
 * Reads the Run that a request is about.
 *
 * @throws {Fault} `not_found`, with the same text as for a Run of another principal's worker
 */
export async function findRun({ runId: id }: Reader, request: Request): Promise<FoundRun> {
  const run = await readsOf(request).run(id);
  if (!run) {
    const { principal: actor } = request.caller;
    // A worker reads for its own Runs: that it asks for another is worth a line, whether or not there is one.
    request.services.audit?.trail.refused({
      actor,
      action: "run.read",
      object: `run ${id}`,
      detail: "RUN_NOT_FOUND",
    });
    throw runNotFound(id);
  }
  return { resource: { kind: "run", id, principal: run.principal }, run };
}

/** @throws {Fault} `wrong_state` unless the Run is its Step's current one */
export function checkTries({ id, fence, status }: RunRow, reader: Reader): void {
  if (fence !== reader.fence) {
    const message = `fence ${reader.fence} is not that of Run ${id}, which is ${fence}: it was given to somebody else since.`;
    throw new Fault("wrong_state", message, { field: "fence", reason: "FENCE_OUTDATED" });
  }
  if (isOver(status)) {
    const message = `Run ${id} is ${status}: only one that has not ended reads results.`;
    throw new Fault("wrong_state", message, { reason: "RUN_ENDED", metadata: { status } });
  }
}
