import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OWN_CHAIN } from "#domain/audit/record";
import type { NodeId } from "#domain/id";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { PlaneAudit } from "#ports/audit";
import type { Clock } from "#ports/clock";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import { nodeClock } from "../clock.js";
import { nodeEntropy } from "../entropy.js";
import { AuditLog, type CheckpointParts } from "./audit-log.js";
import { openCheckpointFile } from "./checkpoint-file.js";
import { openAuditKey } from "./signature.js";
import { openSyslog, type Syslog } from "./syslog.js";
import { syslogTarget } from "./syslog-message.js";

export interface AuditSettings {
  readonly data: string;
  readonly store: string;
  /** Absolute path, or empty. */
  readonly auditCheckpoints: string;
  /** `tcp://HOST:PORT`, `udp://HOST:PORT`, or empty. */
  readonly auditSyslog: string;
  readonly auditRetention: Millis;
}

type OpenCheckpoints = CheckpointParts & { readonly syslog?: Syslog };

/** The audit log of a server, which begins once it knows what its node is called. */
export class ServerAudit implements PlaneAudit {
  readonly #make: (chain: string) => AuditLog;
  readonly #sinks: OpenCheckpoints | undefined;
  #log: AuditLog | undefined;

  constructor(make: (chain: string) => AuditLog, sinks: OpenCheckpoints | undefined) {
    this.#make = make;
    this.#sinks = sinks;
  }

  readonly open = (node: NodeId | undefined): AuditLog => {
    this.#log = this.#make(node ?? OWN_CHAIN);
    return this.#log;
  };

  /** The log, once it was opened. */
  get log(): AuditLog | undefined {
    return this.#log;
  }

  start(): void {
    this.#log?.start();
  }

  /** Writes what is left, and closes the file of checkpoints. Call before the store is closed. */
  async close(): Promise<void> {
    await this.#log?.stop();
    await this.#sinks?.syslog?.close();
    await this.#sinks?.file.close();
  }
}

/**
 * Opens the file of checkpoints, and the key that signs them, which is in the data directory. Undefined if the store keeps no
 * audit log.
 *
 * @throws {Fault} `invalid` or `denied` if one of the two cannot be used
 */
export async function openAudit(
  settings: AuditSettings,
  { audit: store }: Pick<Store, "audit">,
  telemetry: Pick<Telemetry, "log" | "count">,
): Promise<ServerAudit | undefined> {
  if (!store) return undefined;
  const { auditCheckpoints, auditSyslog, auditRetention: age } = settings;
  const isKept = settings.store !== "memory" || auditCheckpoints !== "" || auditSyslog !== "";
  const clock = nodeClock();
  const checkpoints = isKept ? await openCheckpoints(settings, clock, telemetry) : undefined;
  const { log } = telemetry;
  const uuid = () => entropy.uuid();
  const entropy = nodeEntropy(() => clock.now());
  const retention = { age, entries: limits.auditEntries };
  const make = (chain: string) => new AuditLog({ store, clock, log, uuid, chain, checkpoints, retention });
  return new ServerAudit(make, checkpoints);
}

async function openCheckpoints(
  { data, auditCheckpoints, auditSyslog }: AuditSettings,
  clock: Clock,
  telemetry: Pick<Telemetry, "log" | "count">,
): Promise<OpenCheckpoints> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const key = await openAuditKey(data);
  const file = await openCheckpointFile(auditCheckpoints || join(data, "audit.checkpoints"));
  if (auditSyslog === "") return { key, file };
  return { key, file, syslog: openSyslog({ target: syslogTarget(auditSyslog), clock, telemetry }) };
}
