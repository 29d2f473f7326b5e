import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { AuthorityPhase } from "#domain/access/authority";
import { phaseFromWire, phaseToWire } from "#wire/convert-authority";
import {
  AuthorityService,
  GetAuthorityRequestSchema,
  RotateAuthorityRequestSchema,
  type Authority as WireAuthority,
} from "#wire/gen/taskrun/v1/authority_service_pb";
import type { CallControl, Caller } from "./call.js";
import { namesOf } from "./option-names.js";
import { optionsOf, requestOf } from "./request.js";

export type { AuthorityPhase } from "#domain/access/authority";

/**
 * The authority that signs for a plane's servers and workers, and where its rotation stands. Times are Unix milliseconds.
 *
 * @example
 * ```ts
 * import { type AuthorityState, createClient } from "taskrun/client";
 *
 * const state: AuthorityState = await createClient().authority.get();
 * console.log(`${state.phase}: the next phase waits for ${state.workersWaitedFor} of ${state.workers} workers`);
 * ```
 */
export interface AuthorityState {
  readonly phase: AuthorityPhase | "unspecified";
  /** Grows with every change of what workers are to trust, or of who signs for them. */
  readonly version: number;
  /** The pin of the authority in use. */
  readonly caPin: string;
  readonly expiresAt: number;
  /** The pin of the other one; empty in `standby`. */
  readonly nextCaPin: string;
  /** 0 in `standby`. */
  readonly nextExpiresAt: number;
  /** The pin of the one whose certificates servers show: what new workers and clients are given. */
  readonly servingCaPin: string;
  /** All that are trusted, as PEM. */
  readonly caCertificates: string;
  /** The phase after this one, unless it is rolled back. */
  readonly nextPhase: AuthorityPhase | "unspecified";
  /** 0 if there never was a rotation. */
  readonly changedAt: number;
  readonly changedBy: string;
  /** Workers with a certificate that counts. */
  readonly workers: number;
  /** How many of them the next phase would leave behind. */
  readonly workersWaitedFor: number;
  /** Some of those, as `NAMESPACE/NAME`. */
  readonly waitingWorkers: readonly string[];
  /** Servers that are not ready for the next phase, and why. */
  readonly waitingNodes: readonly { readonly id: string; readonly problem: string }[];
}

/**
 * How an authority goes on to another phase.
 *
 * @example
 * ```ts
 * import { createClient, type RotateOptions } from "taskrun/client";
 *
 * const options: RotateOptions = { force: true };
 * const { leftBehind } = await createClient().authority.rotate("standby", options);
 * console.log("to be invited again:", leftBehind);
 * ```
 */
export interface RotateOptions {
  /** Goes on although workers or servers are left behind. Default false. */
  readonly force?: boolean;
}

const optionNames = namesOf<RotateOptions>({ force: true });

/**
 * Shows and rotates the authority of a plane. Reached as `client.authority`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { authority } = createClient();
 * if ((await authority.get()).phase === "standby") await authority.rotate("init");
 * ```
 */
export class AuthorityClient {
  readonly #wire: Client<typeof AuthorityService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(AuthorityService, transport);
    this.#caller = caller;
  }

  /** Says where a rotation stands, and who it waits for. */
  async get(control?: CallControl): Promise<AuthorityState> {
    const request = requestOf(GetAuthorityRequestSchema, {});
    return stateOf(await this.#caller.once((o) => this.#wire.getAuthority(request, o), control));
  }

  /**
   * Goes on to a phase; nothing happens if it is in it. `FAILED_PRECONDITION`, reason `ROTATION_WAITS`, while workers or servers would
   * be left behind.
   *
   * @returns also the workers that were left behind, which must be invited again
   */
  async rotate(
    phase: AuthorityPhase,
    options: RotateOptions = {},
    control?: CallControl,
  ): Promise<AuthorityState & { readonly leftBehind: readonly string[] }> {
    const { force = false } = optionsOf(options, "options", optionNames);
    const request = requestOf(RotateAuthorityRequestSchema, { phase: phaseToWire(phase) ?? 0, force });
    const answer = await this.#caller.once((o) => this.#wire.rotateAuthority(request, o), control);
    return { ...stateOf(answer.authority), leftBehind: answer.leftBehind };
  }
}

function stateOf(wire: WireAuthority | undefined): AuthorityState {
  if (!wire) throw new TypeError("the server has answered without an authority");
  const { version, caPin, nextCaPin, servingCaPin, caCertificates, changedBy, workers } = wire;
  return {
    ...{ caPin, nextCaPin, servingCaPin, caCertificates, changedBy, workers },
    phase: phaseFromWire(wire.phase) ?? "unspecified",
    version: Number(version),
    expiresAt: Number(wire.expiresAtMs),
    nextExpiresAt: Number(wire.nextExpiresAtMs),
    nextPhase: phaseFromWire(wire.nextPhase) ?? "unspecified",
    changedAt: Number(wire.changedAtMs),
    workersWaitedFor: wire.workersWaitedFor,
    waitingWorkers: wire.waitingWorkers,
    waitingNodes: wire.waitingNodes.map(({ id, problem }) => ({ id, problem })),
  };
}
