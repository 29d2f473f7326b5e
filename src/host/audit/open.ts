import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OWN_CHAIN } from "#domain/audit/record";
import type { NodeId } from "#domain/id";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { PlaneAudit } from "#ports/audit";
import type { Store } from "#ports/store";
import type { Log } from "#ports/telemetry";
import { nodeClock } from "../clock.js";
import { nodeEntropy } from "../entropy.js";
import { AuditLog } from "./audit-log.js";
import { type CheckpointFile, openCheckpointFile } from "./checkpoint-file.js";
import { openAuditKey } from "./signature.js";

export interface AuditSettings {
  readonly data: string;
  readonly store: string;
  /** Absolute path, or empty. */
  readonly auditCheckpoints: string;
  readonly auditRetention: Millis;
}

/** The audit log of a server, which begins once it knows what its node is called. */
export class ServerAudit implements PlaneAudit {
  readonly #make: (chain: string) => AuditLog;
  readonly #file: CheckpointFile | undefined;
  #log: AuditLog | undefined;

  constructor(make: (chain: string) => AuditLog, file: CheckpointFile | undefined) {
    this.#make = make;
    this.#file = file;
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
    await this.#file?.close();
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
  log: Log,
): Promise<ServerAudit | undefined> {
  if (!store) return undefined;
  const { data, auditCheckpoints, auditRetention: age } = settings;
  const isKept = settings.store !== "memory" || auditCheckpoints !== "";
  const checkpoints = isKept ? await openCheckpoints(data, auditCheckpoints) : undefined;
  const clock = nodeClock();
  const uuid = () => entropy.uuid();
  const entropy = nodeEntropy(() => clock.now());
  const retention = { age, entries: limits.auditEntries };
  const make = (chain: string) => new AuditLog({ store, clock, log, uuid, chain, checkpoints, retention });
  return new ServerAudit(make, checkpoints?.file);
}

async function openCheckpoints(data: string, path: string) {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const key = await openAuditKey(data);
  return { key, file: await openCheckpointFile(path || join(data, "audit.checkpoints")) };
}
