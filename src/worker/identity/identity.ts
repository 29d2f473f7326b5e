import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { nextAttemptAt } from "#domain/task/retry";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { ClientCertificate } from "#transport/connection";
import { connectTo, serversAt } from "#transport/several";
import { type Trust, trustIn } from "#transport/trust";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { Health } from "#wire/gen/grpc/health/v1/health_pb";
import { type WorkerIdentity as Answer, EnrollmentService } from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { reconnectDelay } from "../protocol/reconnect.js";
import { machineTime, pause } from "../timers.js";
import { IdentityFile, type KeptIdentity } from "./identity-file.js";

/** How a worker comes by its identity. */
export interface IdentityOptions {
  readonly urls: readonly string[];
  readonly trust: Trust;
  /** Absent for a worker that was enrolled before. */
  readonly token: string | undefined;
  readonly folder: string;
  readonly log: Log;
  /** Aborted when the worker is not wanted any more. */
  readonly signal: AbortSignal;
}

/** Of its life a certificate is renewed at two thirds, a tenth of it sooner or later: a fleet that has enrolled together parts. */
const SPREAD = 0.1;

/**
 * What this worker is known by. A certificate is renewed, for a new key, before it ends; whoever connects later shows the new one.
 */
export class WorkerIdentity {
  readonly #options: IdentityOptions;
  readonly #file: IdentityFile;
  #kept: KeptIdentity;
  #stop: () => void = () => {};
  #failures = 0;
  #isOver = false;
  #isRenewing = false;
  #renewed: () => void = () => {};

  private constructor(options: IdentityOptions, file: IdentityFile, kept: KeptIdentity) {
    this.#options = options;
    this.#file = file;
    this.#kept = kept;
  }

  /**
   * The identity that is kept, or one that is got by the token. Waits for a server that is away.
   *
   * @throws {Error} if it is refused, or there is neither an identity nor a token
   */
  static async open(options: IdentityOptions): Promise<WorkerIdentity> {
    const file = new IdentityFile(options.folder);
    const kept = await file.read();
    const { token, log } = options;
    const isNew = token !== undefined && idOf(token) !== kept?.token;
    const isValid = kept !== undefined && kept.notAfter > Date.now();
    if (kept && isValid && !isNew) return new WorkerIdentity(options, file, kept);
    if (token === undefined) {
      const what = kept
        ? `the identity in ${options.folder} has ended`
        : `there is no identity in ${options.folder}`;
      throw new Error(`${what}: invite the worker, and start it with the token`);
    }
    try {
      return new WorkerIdentity(options, file, await enrol(options, file, token));
    } catch (error) {
      if (!kept || !isValid) throw error;
      log.warn("the token is not used: the identity of before is valid still", {
        why: (error as Error).message,
      });
      return new WorkerIdentity(options, file, kept);
    }
  }

  /** The worker's id. */
  get worker(): string {
    return this.#kept.worker;
  }

  /** What connections show. */
  readonly certificate = (): ClientCertificate => this.#kept;

  /**
   * Whom connections trust: the authorities that came with the certificate, which may be others by now than the one that the worker
   * was started with. It goes on working while that one is rotated, and after it.
   */
  get trust(): Trust {
    const { trust } = this.#options;
    return {
      name: trust.name,
      checks: (url) => trustOf(this.#kept, trust).checks(url),
    };
  }

  /** Renews the certificate from now on. @param renewed called after each renewal: connections of before show the old one */
  start(renewed: () => void): void {
    this.#renewed = renewed;
    this.#renewIn(Math.max(0, this.#kept.renewAt - Date.now()));
  }

  /** Renews it sooner than it would have to be, as the server asks, at a moment within this time. */
  renewWithin(withinMs: number): void {
    // What is being renewed is told of the change, or the next connection is asked again.
    if (this.#isOver || this.#isRenewing) return;
    this.#stop();
    this.#renewIn(Math.max(0, Math.min(withinMs, limits.renewalsSpread)) * machineTime.draw());
  }

  #renewIn(waitMs: number): void {
    this.#stop = machineTime.after(waitMs, () => void this.#renew());
  }

  /** Renews it no more. */
  stop(): void {
    this.#isOver = true;
    this.#stop();
  }

  async #renew(): Promise<void> {
    const { log } = this.#options;
    this.#isRenewing = true;
    try {
      const { makeKey, requestFor } = await import("./csr.js");
      const key = await makeKey();
      const csr = await requestFor(key);
      const { trust } = this.#options;
      const answer = await ask(
        { ...this.#options, trust: this.trust },
        this.certificate,
        ({ enrollment }, call) => enrollment.renewCertificate({ csr }, call),
      );
      const kept = keptFrom(answer, key, this.#kept.token, trust);
      // Kept, and seen to be accepted, before the one in use is given up.
      await this.#file.write(kept);
      await ask(
        { ...this.#options, trust: trustOf(kept, trust) },
        () => kept,
        ({ health }, call) => health.check({}, call),
      );
      this.#kept = kept;
      this.#failures = 0;
      log.info("the worker's certificate was renewed", { until: new Date(kept.notAfter).toISOString() });
      if (!this.#isOver) this.#renewed();
    } catch (error) {
      if (this.#isOver) return;
      if (isFinal(error)) {
        log.error("the worker's certificate is not renewed", { why: messageOf(error) });
        return;
      }
      this.#failures += 1;
      const policy = {
        backoff: "exponential",
        base: limits.renewalRetry,
        max: limits.renewalRetryMost,
        jitter: 0.5,
      } as const;
      const retryInMs = nextAttemptAt(policy, this.#failures, instant(0), machineTime.draw());
      log.warn("the worker's certificate could not be renewed yet", { why: messageOf(error), retryInMs });
      this.#renewIn(retryInMs);
      return;
    } finally {
      this.#isRenewing = false;
    }
    if (!this.#isOver) this.start(this.#renewed);
  }
}

/** The part of a token that is no secret. */
export function idOf(token: string): string {
  return token.split("_")[1] ?? "";
}

async function enrol(options: IdentityOptions, file: IdentityFile, token: string): Promise<KeptIdentity> {
  const { makeKey, requestFor } = await import("./csr.js");
  const key = await file.requestKey(idOf(token), makeKey);
  const csr = await requestFor(key);
  const { log, signal } = options;
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      const answer = await ask(options, undefined, ({ enrollment }, call) =>
        enrollment.enroll({ token, csr }, call),
      );
      const kept = keptFrom(answer, key, idOf(token), options.trust);
      await file.write(kept);
      log.info("enrolled", { workerId: kept.worker, folder: options.folder });
      return kept;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      if (isFinal(error))
        throw new Error(`the server does not enrol this worker: ${error.rawMessage}`, { cause: error });
      const retryInMs = reconnectDelay(failures, Number.POSITIVE_INFINITY, machineTime.draw());
      log.warn("not enrolled yet", { why: error.rawMessage, retryInMs });
      await pause(machineTime, retryInMs, signal);
    }
  }
  throw new Error("the worker was stopped before it was enrolled");
}

/** When this machine's clock is wrong, the certificate is still renewed in time. */
function keptFrom(answer: Answer, key: string, token: string, { name: trustedBy }: Trust): KeptIdentity {
  const { workerId: worker, certificate, chain, expiresAtMs, renewAfterMs } = answer;
  const trusted = { authorities: answer.caCertificate || undefined, trustedBy };
  const spread = 1 + SPREAD * (2 * machineTime.draw() - 1);
  const renewAt = Date.now() + Number(renewAfterMs) * spread;
  return {
    worker,
    cert: certificate + chain,
    key,
    token,
    notAfter: Number(expiresAtMs),
    renewAt,
    ...trusted,
  };
}

/** An operator who names another authority than before means that one. */
function trustOf({ authorities, trustedBy }: KeptIdentity, named: Trust): Trust {
  return authorities !== undefined && trustedBy === named.name ? trustIn(authorities) : named;
}

interface Asked {
  readonly enrollment: ReturnType<typeof createClient<typeof EnrollmentService>>;
  readonly health: ReturnType<typeof createClient<typeof Health>>;
}

/** Calls over a connection of its own. */
async function ask<Result>(
  { urls, trust, signal }: IdentityOptions,
  certificate: (() => ClientCertificate) | undefined,
  call: (
    asked: Asked,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ) => Promise<Result>,
): Promise<Result> {
  const bounds = { readMaxBytes: limits.messageBytes, writeMaxBytes: limits.messageBytes };
  const options = { pingMs: limits.workerPing, ...bounds, trust, ...(certificate && { certificate }) };
  const { transport, close } = connectTo(serversAt(urls, trust), options);
  try {
    const asked = {
      enrollment: createClient(EnrollmentService, transport),
      health: createClient(Health, transport),
    };
    return await call(asked, { signal, timeoutMs: limits.enrolAnswer });
  } finally {
    close();
  }
}

const FINAL: ReadonlySet<Code> = new Set([
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.Unimplemented,
]);

/** True if trying again does not help. */
function isFinal(error: unknown): boolean {
  return error instanceof ConnectError && FINAL.has(error.code);
}

function messageOf(error: unknown): string {
  return error instanceof ConnectError ? error.rawMessage : (error as Error).message;
}

/** What the server says of a certificate that is of no use any more; undefined if a stream ended for another reason. */
export function certificateRefusal(error: unknown): string | undefined {
  if (!(error instanceof ConnectError) || error.code !== Code.Unauthenticated) return undefined;
  const reasons = error.findDetails(ErrorInfoSchema).map(({ reason }) => reason);
  return reasons.some((reason) => reason.startsWith("CERTIFICATE_")) ? error.rawMessage : undefined;
}
