import { ConnectError } from "@connectrpc/connect";
import { limits } from "#domain/limits";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import type { RunKey } from "./frames.js";
import { type Ask, PatientReader, Refused } from "./patient-reader.js";
import { Window } from "./window.js";

/** Which result is wanted, by whom. */
export interface ResultWanted extends RunKey {
  readonly stepName: string;
}

/** Reads results of earlier steps for all runs of a worker, over whichever session there is. */
export class ResultReader {
  readonly #window = new Window(limits.resultWindowBytes);
  readonly #reader = new PatientReader<ResultWanted>();

  /** A session has begun or, with undefined, ended. */
  use(ask: Ask<ResultWanted> | undefined): void {
    this.#reader.use(ask);
  }

  /**
   * The result as JSON text; empty if the step has none. Waits out a connection that is lost meanwhile.
   *
   * @throws {AgentError} if the plane refuses, or has not answered in time
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
