import type { UsedModel } from "#domain/task/usage";
import type { Log } from "#ports/telemetry";
import type { DurableContext } from "../agent/durable.js";
import type { RunKey } from "../protocol/run-key.js";
import type { WorkerTime } from "../timers.js";
import type { InputReader } from "./input-reader.js";
import type { JournalReader } from "./journal-reader.js";
import type { ResultReader } from "./result-reader.js";
import type { Window } from "./window.js";

/** What a Run needs of its Worker. */
export interface RunSurroundings<Run> {
  readonly log: Log;
  readonly time: WorkerTime;
  /** Limits the bytes of all Runs that are not yet durable. */
  readonly window: Window;
  readonly readResult: ResultReader["read"];
  readonly readInput: InputReader["read"];
  readonly readJournal: JournalReader["read"];
  /** What the Run's agent has of durable functions, if the server does not know them. */
  unknown(): DurableContext | undefined;
  /** Takes a report of usage, which is sent before the Run's end. @param seq counts the Run's reports, from 0 */
  used(key: RunKey, seq: number, used: UsedModel): void;
  /** Called when the Run may have something to send. */
  ready(run: Run): void;
}
