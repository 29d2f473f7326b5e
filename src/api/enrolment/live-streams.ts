import type { WorkerCertificate } from "#domain/access/enrolment";
import type { WorkerCredential } from "#domain/caller";
import type { Fault } from "#domain/fault";
import { type Instant, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { certificateEnded } from "./refusals.js";

/** The stream of a worker that has shown a certificate. */
export interface WatchedStream {
  readonly credential: WorkerCredential;
  /** What the server's record says of the certificate. */
  readonly certificate?: WorkerCertificate | undefined;
  /** Ends the stream. */
  readonly end: (fault: Fault) => void;
  /** Asks the worker to renew its certificate; absent for one that cannot be asked. */
  readonly renew?: ((within: Millis) => void) | undefined;
}

export interface LiveStreamsParts {
  readonly isRevoked: (serial: string) => boolean;
  /** True for the root of a certificate that is trusted no more. */
  readonly isDropped: (root: string | undefined) => boolean;
  /** The version of the authority: whoever has shown an older certificate is to renew it. */
  readonly version: () => number;
  readonly now: () => Instant;
}

interface Live extends WatchedStream {
  /** The version of which its worker knows. */
  told: number;
}

/**
 * The open streams of workers with a certificate. Each ends when that was revoked or its authority has gone, or a while after it has
 * ended; and its worker is told once of each change of the authority.
 */
export class LiveStreams {
  readonly #parts: LiveStreamsParts;
  readonly #live = new Set<Live>();
  #sweeping: NodeJS.Timeout | undefined;

  constructor(parts: LiveStreamsParts) {
    this.#parts = parts;
  }

  /** @returns to be called when it has ended */
  watch(stream: WatchedStream): () => void {
    const live = { ...stream, told: stream.certificate?.version ?? 0 };
    this.#live.add(live);
    this.#sweeping ??= setInterval(() => this.sweep(), limits.revocationSweep).unref();
    return () => {
      this.#live.delete(live);
      if (this.#live.size > 0) return;
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    };
  }

  /** Ends the streams that must not go on, and tells the others what is new. Called by itself. */
  sweep(): void {
    const version = this.#parts.version();
    const within = millis(Math.min(limits.renewalsSpread, this.#live.size * limits.renewalSpread));
    for (const live of this.#live) {
      const problem = this.problemOf(live.credential, live.certificate);
      if (problem) {
        this.#live.delete(live);
        live.end(problem);
      } else if (live.told < version) {
        live.told = version;
        live.renew?.(within);
      }
    }
  }

  /** Why what is open may not go on; undefined if it may. */
  problemOf({ serial, notAfter }: WorkerCredential, certificate?: WorkerCertificate): Fault | undefined {
    const { isRevoked, isDropped, now } = this.#parts;
    if (isRevoked(serial)) return certificateEnded("was revoked");
    if (certificate && isDropped(certificate.root))
      return certificateEnded("is of an authority that has gone");
    return now() >= notAfter + limits.certificateGrace ? certificateEnded("has ended") : undefined;
  }
}
