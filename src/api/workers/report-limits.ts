import { Fault } from "#domain/fault";
import type { RunId } from "#domain/id";
import type { RefusedReport } from "#domain/task/report";
import type { Labels } from "#domain/task/task";
import { labelsProblem } from "#domain/text/labels";
import { clip } from "#domain/text/text";
import type { WorkerProtocol } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { exceeds } from "../validate.js";
import { fitLabels, fitText } from "./fit.js";

/*
 * The limits of a Worker's reports, by the fields that they have in every protocol. A report within them fits into
 * one message to the Task's watchers. For a Worker of our protocol, what is too long is refused; for a public one,
 * which does not know the limits, it is cut, and `cut` is called.
 */

/** @throws {Fault} `invalid` */
export function checkHeartbeat({
  workerId,
  heldRunIds,
}: {
  readonly workerId: string;
  readonly heldRunIds: readonly string[];
}): void {
  checkId(workerId, "heartbeat.worker_id");
  if (heldRunIds.length > limits.maxRunsPerWorker) {
    const message = `heartbeat.held_run_ids has ${heldRunIds.length} entries; a worker may hold ${limits.maxRunsPerWorker} Runs.`;
    throw new Fault("invalid", message, { field: "heartbeat.held_run_ids" });
  }
  for (const id of heldRunIds) checkId(id, "heartbeat.held_run_ids");
}

/** A chunk of output. @throws {Fault} `invalid` */
export function fitOutput<Chunk extends { readonly content: string; readonly metadata: Labels }>(
  chunk: Chunk,
  protocol: WorkerProtocol,
  cut: () => void,
): Chunk {
  const field = "output_chunk.content";
  if (protocol > 0) {
    checkSize(chunk.content, limits.chunkBytes, field, "send it in pieces");
    checkLabels(chunk.metadata, "output_chunk.metadata");
    return chunk;
  }
  if (exceeds(chunk.content, limits.publicContentBytes)) {
    const size = Buffer.byteLength(chunk.content);
    const message = `${field} is ${size} bytes long; only ${limits.publicContentBytes} bytes can be passed on: send it in pieces.`;
    throw new Fault("invalid", message, { field });
  }
  return { ...chunk, metadata: fitLabels(chunk.metadata, cut) };
}

/** An event of an agent. @throws {Fault} `invalid` */
export function fitEvent<
  Event extends { readonly id: string; readonly name: string; readonly metadata: Labels },
>(event: Event, protocol: WorkerProtocol, cut: () => void): Event {
  if (protocol > 0) {
    checkId(event.id, "event.id");
    checkSize(event.name, limits.eventNameBytes, "event.name", "shorten it");
    checkLabels(event.metadata, "event.metadata");
    return event;
  }
  return {
    ...event,
    id: fitText(event.id, limits.idBytes, cut),
    name: fitText(event.name, limits.eventNameBytes, cut),
    metadata: fitLabels(event.metadata, cut),
  };
}

/** A chat message of an agent. @throws {Fault} `invalid` */
export function fitChat<Said extends { readonly content: string }>(
  said: Said,
  protocol: WorkerProtocol,
  cut: () => void,
): Said {
  if (protocol > 0) {
    checkSize(said.content, limits.chunkBytes, "chat_message.message.content", "send it in pieces");
    return said;
  }
  return { ...said, content: fitText(said.content, limits.publicContentBytes, cut) };
}

/** @throws {Fault} `invalid` */
export function checkId(id: string, field: string): void {
  checkSize(id, limits.idBytes, field, "send an id as it was given");
}

/**
 * The `refused` report for an invalid report about one Run, which ends only that Run; undefined if the run id is
 * invalid.
 *
 * @param last true if it was the worker's final report about the Run
 */
export function refusedReport(
  about: { readonly runId: string; readonly fence?: number },
  message: string,
  last: boolean,
): RefusedReport | undefined {
  const { runId, fence } = about;
  if (exceeds(runId, limits.idBytes)) return undefined;
  return {
    type: "refused",
    runId: runId as RunId,
    ...(fence !== undefined && { fence }),
    message: clip(message, limits.errorMessageBytes),
    last,
  };
}

function checkSize(text: string, max: number, field: string, way: string): void {
  if (!exceeds(text, max)) return;
  const message = `${field} is ${Buffer.byteLength(text)} bytes long; the limit is ${max} bytes: ${way}.`;
  throw new Fault("invalid", message, { field });
}

function checkLabels(metadata: Labels, field: string): void {
  const problem = labelsProblem(metadata);
  if (problem !== undefined) throw new Fault("invalid", `${field} ${problem}`, { field });
}
