import type { Transport } from "@connectrpc/connect";
import { defaultStaleTerms } from "#config/index";
import type { SessionId } from "#domain/id";
import type { Instant, Millis } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { Entropy } from "#ports/entropy";
import type { Schemas } from "#ports/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import type { VirtualClock } from "../virtual-time.js";

export interface ServerParts {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly schemas: Schemas;
  readonly terms: LeaseTerms;
  readonly environment: string;
}

/** One start of a plane in virtual time: the real one with its gateway, without listeners and without retention. */
export interface TestServer {
  readonly transport: Transport;
  /** Number of Runs that workers hold, whether or not they are connected. */
  readonly heldCount: number;
  leaseEnd(session: SessionId): Instant;
  /** Extends all leases; a negative span takes it back. */
  extendLeases(by: Millis): void;
  stop(): Promise<void>;
}

export async function startServer(parts: ServerParts): Promise<TestServer> {
  const { entropy, telemetry, schemas, environment } = parts;
  // The gateway takes long to load, and who only runs agents does not need it.
  const { openGateway } = await import("#gateway/server");
  const supervisor = new Supervisor({ ...parts, onFatal: () => {} });
  await supervisor.start();
  const plane = openPlane(supervisor, defaultStaleTerms);
  const gateway = await openGateway({ plane, entropy, telemetry, schemas, environment, grpc: [] });
  const { leases, memory } = supervisor.core;
  return {
    transport: gateway.transport,
    get heldCount() {
      return memory.roster.heldCount;
    },
    leaseEnd: (session) => leases.until(session),
    extendLeases: (by) => {
      leases.extendAll(by);
      supervisor.timers.rearm();
    },
    stop: async () => {
      supervisor.drain();
      await gateway.close(limits.drain);
      await supervisor.stop();
    },
  };
}
