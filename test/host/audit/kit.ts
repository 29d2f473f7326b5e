import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditVerifier } from "#domain/audit/verify";
import { millis } from "#domain/time/time";
import { AuditLog, type AuditLogParts, type CheckpointParts } from "#host/audit/audit-log";
import { openCheckpointFile } from "#host/audit/checkpoint-file";
import { openAuditKey, readCheckpoint } from "#host/audit/signature";
import type { AuditStore } from "#ports/audit";
import { MemoryAudit } from "#stores/memory/audit";
import { sha256 } from "#stores/shared/audit-chain";
import { settle, VirtualClock } from "#testing/virtual-time";

export const YEAR = millis(365 * 86_400_000);

/** An audit log on virtual time, with a folder of its own. */
export async function startAudit(
  { syslog, ...more }: Partial<AuditLogParts> & Pick<CheckpointParts, "syslog"> = {},
  folder = mkdtempSync(join(tmpdir(), "taskrun-audit-log-")),
) {
  const clock = new VirtualClock(1_000_000);
  const logged: string[] = [];
  const path = join(folder, "audit.checkpoints");
  const file = await openCheckpointFile(path);
  const writing = new Set<Promise<void>>();
  const append = file.append.bind(file);
  file.append = (checkpoint) => {
    const write = append(checkpoint).finally(() => writing.delete(write));
    writing.add(write);
    return write;
  };
  const tell = (level: string) => (message: string) => void logged.push(`${level}: ${message}`);
  let drawn = 0;
  const log = new AuditLog({
    store: new MemoryAudit(),
    chain: "server",
    clock,
    log: { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") },
    uuid: () => `id-${++drawn}`,
    checkpoints: { key: await openAuditKey(folder), file, syslog },
    retention: { age: YEAR, entries: 1_000 },
    ...more,
  });
  return {
    log,
    clock,
    logged,
    folder,
    path,
    lines: () => readFileSync(path, "utf8").split("\n").filter(Boolean),
    /** Until files are written too. */
    async pass(ms: number) {
      await clock.advance(ms);
      // A disk may take long: only turns without a write in them count.
      for (let calm = 0; calm < 10; calm += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        await settle();
        if (writing.size > 0) calm = 0;
      }
    },
    async close() {
      await log.stop();
      await file.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What a verification of the whole store finds, as an operator reads it. */
export async function verified(store: AuditStore, lines: readonly string[] = []): Promise<string[]> {
  const verifier = new AuditVerifier({ sha256, timeOf: String });
  for (const line of lines) {
    const checkpoint = readCheckpoint(line);
    if (checkpoint) verifier.checkpoint(checkpoint);
    else verifier.find({ chain: "checkpoints", seq: 0 }, "is none");
  }
  for (const entry of await store.entries(undefined, 1_000_000)) verifier.entry(entry);
  verifier.end();
  return verifier.findings.map(({ chain, seq, problem }) => `${chain} ${seq} ${problem}`);
}
