import type { WorkerCredential } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { certificateEnded } from "./refusals.js";

interface Live {
  readonly credential: WorkerCredential;
  readonly end: (fault: Fault) => void;
}

/** The open streams of workers with a certificate, each of which ends when that was revoked, or a while after it has ended. */
export class LiveStreams {
  readonly #isRevoked: (serial: string) => boolean;
  readonly #now: () => Instant;
  readonly #live = new Set<Live>();
  #sweeping: NodeJS.Timeout | undefined;

  constructor(isRevoked: (serial: string) => boolean, now: () => Instant) {
    this.#isRevoked = isRevoked;
    this.#now = now;
  }

  /** @param end ends the stream @returns to be called when it has ended */
  watch(credential: WorkerCredential, end: (fault: Fault) => void): () => void {
    const live = { credential, end };
    this.#live.add(live);
    this.#sweeping ??= setInterval(() => this.sweep(), limits.revocationSweep).unref();
    return () => {
      this.#live.delete(live);
      if (this.#live.size > 0) return;
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    };
  }

  /** Ends the streams that must not go on. Called by itself. */
  sweep(): void {
    for (const live of this.#live) {
      const problem = this.problemOf(live.credential);
      if (!problem) continue;
      this.#live.delete(live);
      live.end(problem);
    }
  }

  /** Why what is open may not go on; undefined if it may. */
  problemOf({ serial, notAfter }: WorkerCredential): Fault | undefined {
    if (this.#isRevoked(serial)) return certificateEnded("was revoked");
    return this.#now() >= notAfter + limits.certificateGrace ? certificateEnded("has ended") : undefined;
  }
}
