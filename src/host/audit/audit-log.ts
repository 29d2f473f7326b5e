import { type Checkpoint, checkpointLine } from "#domain/audit/checkpoint";
import { auditRecord } from "#domain/audit/record";
import { later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditHead, AuditStore, AuditTrail, Refusal } from "#ports/audit";
import type { Clock } from "#ports/clock";
import type { Log } from "#ports/telemetry";
import type { CheckpointFile } from "./checkpoint-file.js";
import { RefusalBook } from "./refusal-book.js";
import { type RetentionTerms, removeOld } from "./retention.js";
import { type AuditKey, signed } from "./signature.js";
import type { Syslog } from "./syslog.js";

/** Who signs checkpoints, and where they go. */
export interface CheckpointParts {
  readonly key: AuditKey;
  readonly file: CheckpointFile;
  readonly syslog?: Pick<Syslog, "send"> | undefined;
}

export interface AuditLogParts {
  readonly store: AuditStore;
  readonly chain: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Names calls of the store. */
  readonly uuid: () => string;
  /** Absent if no checkpoints are written. */
  readonly checkpoints?: CheckpointParts | undefined;
  readonly retention: RetentionTerms;
}

/**
 * The audit log of one process. Refusals are gathered and appended once a minute; checkpoints are written a minute after
 * something was appended, or sooner after many entries. An idle server is not woken.
 */
export class AuditLog implements AuditTrail {
  readonly chain: string;
  readonly #parts: AuditLogParts;
  readonly #book = new RefusalBook();
  #cancelFlush: (() => void) | undefined;
  #cancelCheckpoint: (() => void) | undefined;
  /** Entries since the last checkpoint. */
  #unsigned = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;
  /** Checkpoints and removals, one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(parts: AuditLogParts) {
    this.#parts = parts;
    this.chain = parts.chain;
  }

  /** Call once the store has booted: compares the log with its last checkpoint, and removes what is old. */
  start(): void {
    this.#enqueue(async () => {
      await this.#compare();
      await this.#sweep();
    });
  }

  refused(refusal: Refusal): void {
    const { clock } = this.#parts;
    this.#book.add(refusal, clock.now());
    this.#cancelFlush ??= clock.wakeAt(later(clock.now(), limits.auditRefusalsEvery), () => {
      this.#cancelFlush = undefined;
      void this.flush();
    });
  }

  record: AuditTrail["record"] = async (said) => {
    const { store, clock, uuid } = this.#parts;
    await store.append(uuid(), { chain: this.chain, records: [auditRecord({ at: clock.now(), ...said })] });
    this.committed(1);
  };

  committed(records: number): void {
    const { clock, checkpoints } = this.#parts;
    if (!checkpoints) return;
    this.#unsigned += records;
    if (this.#unsigned >= limits.auditCheckpointEntries) this.#checkpointNow();
    else
      this.#cancelCheckpoint ??= clock.wakeAt(later(clock.now(), limits.auditCheckpointEvery), () =>
        this.#checkpointNow(),
      );
  }

  /** Appends what was refused so far. Never rejects: what could not be appended is counted in the log. */
  async flush(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    const records = this.#book.take();
    if (records.length === 0) return;
    const { store, log, uuid } = this.#parts;
    try {
      await store.append(uuid(), { chain: this.chain, records });
      this.committed(records.length);
    } catch (err) {
      log.error("refusals could not be written to the audit log", { records: records.length, err });
    }
  }

  /** Appends what is left, and signs it. Call before the store is closed. */
  async stop(): Promise<void> {
    await this.flush();
    this.#cancelFlush?.();
    if (this.#unsigned > 0) this.#checkpointNow();
    this.#cancelCheckpoint?.();
    await this.#work;
  }

  #checkpointNow(): void {
    this.#cancelCheckpoint?.();
    this.#cancelCheckpoint = undefined;
    this.#unsigned = 0;
    this.#enqueue(async () => {
      await this.#sign();
      await this.#sweep();
    });
  }

  async #sign(): Promise<void> {
    const { store, clock, log, checkpoints } = this.#parts;
    if (!checkpoints) return;
    const heads = await headsOf(store);
    const own = heads.find(({ chain }) => chain === this.chain);
    if (!own) return;
    const others = heads.filter((head) => head !== own).map(markOf);
    const said = { kind: "checkpoint", ...markOf(own), at: clock.now(), others } as const;
    const { chain, seq, hash, signature } = await tell(said, checkpoints);
    log.info("audit checkpoint", { chain, seq, hash, signature });
  }

  /** What was signed must still be there: if it is not, the log says so at once, and not only to who verifies it. */
  async #compare(): Promise<void> {
    const { store, log, checkpoints } = this.#parts;
    const last = checkpoints?.file.last;
    if (!last) return;
    for (const { chain, seq, hash } of [last, ...last.others]) {
      const [entry] = await store.entries({ chain, seq: seq - 1 }, 1, chain);
      if (entry?.seq === seq && entry.hash === hash) continue;
      if (last.kind === "removed" || (await this.#isRemoved({ chain, seq }))) continue;
      const text = "the audit log is not what its last checkpoint says: run taskrun audit verify";
      log.error(text, { chain, seq });
    }
  }

  /** A chain of a node that is gone, all of whose entries have become too old. */
  async #isRemoved({ chain, seq }: { readonly chain: string; readonly seq: number }): Promise<boolean> {
    if (chain === this.chain) return false;
    const [next] = await this.#parts.store.entries({ chain, seq }, 1, chain);
    return next === undefined && (await this.#parts.store.entries(undefined, 1, chain)).length === 0;
  }

  async #sweep(): Promise<void> {
    const { store, clock, retention, checkpoints } = this.#parts;
    const now = clock.now();
    if (now - this.#sweptAt < limits.auditSweepEvery) return;
    this.#sweptAt = now;
    const say = async (said: Omit<Checkpoint, "key" | "signature">) => {
      if (checkpoints) await tell(said, checkpoints);
    };
    await removeOld({ store, own: this.chain, now, terms: retention, tell: say, pause: () => clock.yield() });
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((err: unknown) => {
      this.#parts.log.error("the audit log could not be signed or cleared up; it is tried again", { err });
      this.#unsigned += 1;
    });
  }
}

/** Signs a checkpoint and writes it, to the file first. To syslog it goes in parts, each signed, of a length that every collector takes. */
async function tell(
  said: Omit<Checkpoint, "key" | "signature">,
  { key, file, syslog }: CheckpointParts,
): Promise<Checkpoint> {
  const checkpoint = signed(said, key);
  await file.append(checkpoint);
  const { others } = said;
  for (let from = 0; syslog && (from === 0 || from < others.length); from += limits.auditSyslogChains) {
    const part = { ...said, others: others.slice(from, from + limits.auditSyslogChains) };
    syslog.send(checkpointLine(signed(part, key)));
  }
  return checkpoint;
}

function markOf({ chain, seq, hash }: AuditHead) {
  return { chain, seq, hash };
}

/** The ends of all chains, up to a bound. */
async function headsOf(store: AuditStore): Promise<AuditHead[]> {
  const heads: AuditHead[] = [];
  let page: readonly AuditHead[];
  do {
    page = await store.heads(heads.at(-1)?.chain ?? "", limits.auditPage);
    heads.push(...page);
  } while (page.length === limits.auditPage && heads.length < limits.auditChains);
  return heads;
}
