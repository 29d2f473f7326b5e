import { ConnectError } from "@connectrpc/connect";
import { limits } from "#limits/index";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import type { RunKey } from "../protocol/run-key.js";
import type { WorkerTime } from "../timers.js";
import { type Ask, PatientReader, Refused } from "./patient-reader.js";
import { Window } from "./window.js";

/** Names a Step's result and the Run that reads it. */
export interface ResultWanted extends RunKey {
  readonly stepName: string;
}

/** Reads results of earlier Steps for all Runs of a Worker, over the current session. */
export class ResultReader {
  readonly #window = new Window(limits.resultWindowBytes);
  readonly #reader: PatientReader<ResultWanted>;

  constructor(time: WorkerTime) {
    this.#reader = new PatientReader(time);
  }

  /** Sets how to ask the server: call it when a session has begun and, with undefined, when it has ended. */
  use(ask: Ask<ResultWanted> | undefined): void {
    this.#reader.use(ask);
  }

  /**
   * Returns a result as JSON text, empty if the Step has none. Retries across lost connections.
   *
   * @throws {AgentError} if the server refuses or does not answer in time
   * @throws the signal's reason, if it aborts first
   */
  async read(wanted: ResultWanted, signal: AbortSignal): Promise<string> {
    await this.#window.enter(limits.resultBytes, signal);
    try {
      return await this.#reader.read(wanted, `the result of step "${wanted.stepName}"`, signal);
    } catch (error) {
      if (error instanceof Refused && hasNoResult(error.cause)) return "";
      throw error;
    } finally {
      this.#window.leave(limits.resultBytes);
    }
  }
}

function hasNoResult(error: unknown): boolean {
  return error instanceof ConnectError && error.findDetails(ErrorInfoSchema)[0]?.reason === "NO_RESULT";
}
