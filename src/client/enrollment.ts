import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  EnrollmentService,
  InviteWorkersRequestSchema,
  RevokeWorkerRequestSchema,
  type EnrolledWorker as WireWorker,
} from "#wire/gen/taskrun/v1/enrollment_service_pb";
import type { CallControl, Caller } from "./call.js";
import { namesOf } from "./option-names.js";
import { optionsOf, requestOf } from "./request.js";

/**
 * What an invited worker is to be.
 *
 * @example
 * ```ts
 * import { createClient, type InviteTerms } from "taskrun/client";
 *
 * const terms: InviteTerms = { name: "gpu", count: 4, labels: { gpu: "a100" }, namespaces: ["research"] };
 * await createClient().enrollment.invite(terms);
 * ```
 */
export interface InviteTerms {
  /** Its name, which is its id. Of several workers a number is added to each. */
  readonly name: string;
  /** How many workers, each with a token of its own. Default 1. */
  readonly count?: number;
  /** Namespaces that it works for. Default: all that the caller may use. */
  readonly namespaces?: readonly string[];
  /** Labels that it has, whatever it says itself. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of the agents that it may run. Default: any. */
  readonly agents?: readonly string[];
  /** How long the token can be used. Default 15 minutes. */
  readonly ttlMs?: number;
}

const termNames = namesOf<InviteTerms>({
  name: true,
  count: true,
  namespaces: true,
  labels: true,
  agents: true,
  ttlMs: true,
});

/**
 * The token of one worker, which is shown once.
 *
 * @example
 * ```ts
 * import { createClient, type Invitation } from "taskrun/client";
 *
 * const [made]: readonly Invitation[] = await createClient().enrollment.invite({ name: "w1" });
 * console.log(`TASKRUN_TOKEN=${made?.token} taskrun worker --ca-pin ${made?.caPin}`);
 * ```
 */
export interface Invitation {
  readonly name: string;
  /** What the worker is given, in the variable `TASKRUN_TOKEN`. */
  readonly token: string;
  /** In Unix milliseconds. */
  readonly expiresAt: number;
  /** What the worker trusts. */
  readonly caPin: string;
}

/**
 * A worker that was enrolled. Times are Unix milliseconds.
 *
 * @example
 * ```ts
 * import { createClient, type EnrolledWorker } from "taskrun/client";
 *
 * const workers: readonly EnrolledWorker[] = await createClient().enrollment.list();
 * const revoked = workers.filter(({ revokedAt }) => revokedAt > 0);
 * ```
 */
export interface EnrolledWorker {
  readonly name: string;
  /** The namespace in its identity. */
  readonly namespace: string;
  /** The URI of its certificates. */
  readonly spiffeId: string;
  /** Namespaces that it works for; `*` alone is all. */
  readonly namespaces: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty for any. */
  readonly agents: readonly string[];
  readonly enrolledAt: number;
  readonly invitedBy: string;
  /** When its latest certificate ends. */
  readonly expiresAt: number;
  /** 0 if it was not revoked. */
  readonly revokedAt: number;
}

/**
 * Invites, lists and revokes workers that are known by a certificate. Reached as `client.enrollment`. Every method throws
 * `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { enrollment } = createClient();
 * await enrollment.revoke("w1");
 * ```
 */
export class Enrollment {
  readonly #wire: Client<typeof EnrollmentService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(EnrollmentService, transport);
    this.#caller = caller;
  }

  /** Makes a token for each worker. `PERMISSION_DENIED` for one that may do more than the caller. */
  async invite(terms: InviteTerms, control?: CallControl): Promise<readonly Invitation[]> {
    const said = optionsOf(terms, "terms", termNames);
    const { name = "", count = 0, namespaces = [], labels = {}, agents = [], ttlMs = 0 } = said;
    const request = requestOf(InviteWorkersRequestSchema, {
      name,
      count,
      namespaces: [...namespaces],
      labels: { ...labels },
      agents: [...agents],
      ttlMs: BigInt(Math.round(ttlMs)),
    });
    const { invitations, caPin } = await this.#caller.once(
      (o) => this.#wire.inviteWorkers(request, o),
      control,
    );
    return invitations.map(({ name: of, token, expiresAtMs }) => {
      return { name: of, token, expiresAt: Number(expiresAtMs), caPin };
    });
  }

  /** Returns the workers that have a certificate, or had one until lately, by namespace and name. */
  async list(control?: CallControl): Promise<readonly EnrolledWorker[]> {
    const { workers } = await this.#caller.once((o) => this.#wire.listEnrolledWorkers({}, o), control);
    return workers.map(toWorker);
  }

  /**
   * Ends a worker's certificates, streams and tokens: within five seconds, on every server. Idempotent.
   *
   * @param namespace the one in its identity. Default: the caller's own
   */
  async revoke(name: string, namespace = "", control?: CallControl): Promise<EnrolledWorker> {
    const request = requestOf(RevokeWorkerRequestSchema, { name, namespace });
    return toWorker(await this.#caller.once((o) => this.#wire.revokeWorker(request, o), control));
  }
}

function toWorker(row: WireWorker): EnrolledWorker {
  const { name, namespace, spiffeId, namespaces, labels, agents, invitedBy } = row;
  return {
    ...{ name, namespace, spiffeId, namespaces, labels, agents, invitedBy },
    enrolledAt: Number(row.enrolledAtMs),
    expiresAt: Number(row.expiresAtMs),
    revokedAt: Number(row.revokedAtMs),
  };
}
