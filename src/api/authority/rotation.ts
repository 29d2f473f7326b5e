import {
  AUTHORITY_ID,
  type AuthorityPhase,
  type AuthorityRow,
  mayMove,
  nextPhase,
  servingRoot,
  type TrustedRoot,
  trustedRoots,
} from "#domain/access/authority";
import { type EnrolledWorker, enrolledId } from "#domain/access/enrolment";
import { auditRecord } from "#domain/audit/record";
import type { NodeView } from "#domain/node";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";
import type { RotatingAuthority } from "#ports/authority";
import type { EnrolmentStore } from "#ports/enrolment";
import type { Log } from "#ports/telemetry";
import { allOf } from "../enrolment/all-of.js";
import { NodeWord } from "./node-word.js";
import { leavesBehind, notOrdered, notReady, rotatedMeanwhile } from "./refusals.js";
import { heldBy, isLeftBehind, moved, type WaitingNode, waitingNodes } from "./waiting.js";

export interface RotationParts {
  readonly store: EnrolmentStore;
  readonly authority: RotatingAuthority;
  readonly now: () => Instant;
  readonly log: Log;
  readonly audit?: AuditTrail | undefined;
  /** The servers that share the store, with this one; none where one process has it. */
  readonly nodes: () => Promise<readonly NodeView[]>;
  /** How the others name this server; undefined where one process has the store. */
  readonly node: string | undefined;
}

/** What there is to say of an authority and its rotation. */
export interface AuthorityState {
  readonly phase: AuthorityPhase;
  readonly version: number;
  readonly root: TrustedRoot;
  readonly next: TrustedRoot | undefined;
  readonly serving: TrustedRoot;
  readonly trusted: readonly TrustedRoot[];
  readonly nextPhase: AuthorityPhase;
  readonly changedAt: number;
  readonly changedBy: string;
  /** Workers with a certificate that counts. */
  readonly workers: number;
  /** Those that the next phase would leave behind, by id. */
  readonly waitingWorkers: readonly string[];
  readonly waitingNodes: readonly WaitingNode[];
}

/** A row means something for ever: the last instant that there is. */
const NEVER = instant(8_640_000_000_000_000);

/**
 * Brings another root into the place of the one in use, phase by phase. Where it stands is one row of the store, which every server
 * follows; a phase is one commit, and what comes of it can be done again by whoever starts later.
 */
export class Rotation {
  readonly #parts: RotationParts;
  readonly #word: NodeWord | undefined;
  #row: AuthorityRow | undefined;
  /** One after the other: a look, and a change. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Called when it follows another row. */
  changed: () => void = () => {};
  /** True if a phase was written that could not be followed here yet: a look tries again. */
  isBehind = false;

  /** @param row what the authority follows already */
  constructor(parts: RotationParts, row: AuthorityRow | undefined) {
    this.#parts = parts;
    this.#row = row;
    this.#word = parts.node === undefined ? undefined : new NodeWord(parts.store, parts.node, parts.now);
  }

  /** What this server follows; undefined if there never was a rotation. */
  get row(): AuthorityRow | undefined {
    return this.#row;
  }

  /** Of what workers are given now. */
  get version(): number {
    return this.#row?.version ?? 0;
  }

  /** True for a root that was trusted once, and is not any more. @param pin absent in records from before the first rotation */
  isDropped(pin: string | undefined): boolean {
    const row = this.#row;
    return row !== undefined && !trustedRoots(row).some((root) => root.pin === (pin ?? row.origin));
  }

  /** Follows what the store says, and tells the other servers of it. Rejects as the store does. */
  look(): Promise<void> {
    return this.#inTurn(() => this.#look());
  }

  /** Where it stands, and whom the next phase would leave behind. */
  status(): Promise<AuthorityState> {
    return this.#inTurn(async () => {
      await this.#look();
      return this.#state();
    });
  }

  /**
   * Goes on to a phase; nothing happens if it is in it.
   *
   * @param isForced goes on although workers or servers are left behind
   * @returns the workers that are left behind
   * @throws {Fault} `wrong_state` for a phase that does not follow, or that would leave somebody behind
   */
  move(by: string, to: AuthorityPhase, isForced: boolean): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      for (let tries = 0; tries < limits.enrolmentTries; tries++) {
        await this.#look();
        const left = await this.#tryMove(by, to, isForced);
        if (left) return left;
      }
      throw rotatedMeanwhile();
    });
  }

  /** Where a server's own files say otherwise than a row that is its alone, the files count: they have the keys. */
  adopt(): Promise<void> {
    return this.#inTurn(async () => {
      const { store, authority, now, log } = this.#parts;
      const row = await store.get("authority", AUTHORITY_ID);
      if (!row || row.root.pin === authority.own.pin) return;
      const { next: _, ...rest } = row;
      const at = { changedAt: now(), changedBy: "server" };
      const version = row.version + 1;
      const own = { root: authority.own, phase: "standby", revision: row.revision + 1, version } as const;
      await this.#put({ ...rest, ...at, ...own }, `another authority is in the files: ${authority.own.pin}`);
      log.warn(
        "the authority in the folder tls is another one than before: workers of that one must be invited again",
      );
      await this.#look();
    });
  }

  async #tryMove(by: string, to: AuthorityPhase, isForced: boolean): Promise<readonly string[] | undefined> {
    const { authority, now, log } = this.#parts;
    const row = this.#row ?? (await this.#first());
    if (row.phase === to) return [];
    if (!mayMove(row.phase, to)) throw notOrdered(row.phase, to);
    const left = await this.#leftBehind(row, to);
    const nodes = to === "rollback" || row.phase === "standby" ? [] : await this.#waitingNodes(row);
    if (!isForced && nodes.length > 0) throw notReady(nodes);
    if (!isForced && left.length > 0) throw leavesBehind(left, to);
    if (to === "init" && authority.problem !== "")
      throw notReady([{ id: "this server", problem: authority.problem }]);
    const prepared = to === "init" ? { next: await authority.prepare() } : {};
    const changed = moved({ ...row, ...prepared }, to, { changedAt: now(), changedBy: by });
    const after = to === "init" ? { ...changed, bundled: changed.version } : changed;
    const about = `${to}, ${after.root.pin}${after.next ? `, and ${after.next.pin}` : ""}; left behind: ${left.length}`;
    if (!(await this.#put(after, about))) return undefined;
    log.info("the rotation of the authority goes on", {
      phase: to,
      by,
      version: after.version,
      left: left.length,
    });
    // What is written counts: what fails now is done by the next look, here as everywhere.
    await this.#follow(after).catch((error: Error) => {
      log.error("the authority could not be changed yet", { why: error.message });
    });
    return left;
  }

  async #look(): Promise<void> {
    const { store, authority } = this.#parts;
    const row = await store.get("authority", AUTHORITY_ID);
    if (row && (row.revision !== this.#row?.revision || authority.problem !== "")) await this.#follow(row);
    if (this.#row) await this.#word?.say(this.#row, authority.problem);
  }

  async #follow(row: AuthorityRow): Promise<void> {
    const { authority, log } = this.#parts;
    const [before, complaint] = [this.#row?.revision, authority.problem];
    this.isBehind = true;
    await authority.follow(row);
    this.isBehind = false;
    this.#row = row;
    const { problem } = authority;
    if (problem !== "" && problem !== complaint) log.error(`the authority is not whole here: ${problem}`);
    if (row.revision !== before) this.changed();
  }

  async #put(row: AuthorityRow, detail: string): Promise<boolean> {
    const { store, audit } = this.#parts;
    const { changedAt: at, changedBy: actor } = row;
    const record = auditRecord({ at, actor, action: "ca.change", object: "authority", detail });
    if (!(await store.put([row], audit && { chain: audit.chain, records: [record] }))) return false;
    audit?.committed(1);
    return true;
  }

  /** The row of a plane whose authority was never rotated; nobody has written it. */
  async #first(): Promise<AuthorityRow> {
    const { own } = this.#parts.authority;
    // A store that has lost the row has the versions of certificates still: what comes must be above them.
    let version = 0;
    for await (const worker of allOf(this.#parts.store, "worker")) {
      const versions = worker.certificates.map((each) => each.version ?? 0);
      version = Math.max(version, worker.acknowledged ?? 0, ...versions);
    }
    return {
      ...({ kind: "authority", id: AUTHORITY_ID, revision: 0, endsAt: NEVER, phase: "standby" } as const),
      ...{ version, root: own, bundled: 0, origin: own.pin, changedAt: instant(0), changedBy: "" },
    };
  }

  async #leftBehind(row: AuthorityRow, to: AuthorityPhase): Promise<readonly string[]> {
    const left: string[] = [];
    for await (const worker of this.#live()) {
      if (isLeftBehind(row, to, heldBy(worker, this.#parts.now()))) left.push(enrolledId(worker.worker));
    }
    return left;
  }

  /** Workers that have a certificate. */
  async *#live(): AsyncGenerator<EnrolledWorker, void> {
    const { store, now } = this.#parts;
    for await (const worker of allOf(store, "worker")) if (heldBy(worker, now()).length > 0) yield worker;
  }

  async #waitingNodes(row: AuthorityRow): Promise<readonly WaitingNode[]> {
    const { store, nodes, now, node } = this.#parts;
    if (node === undefined) {
      const { problem } = this.#parts.authority;
      return problem === "" ? [] : [{ id: "this server", problem }];
    }
    return waitingNodes(
      row,
      await nodes(),
      await store.list("authority_node", "", limits.nodesListed),
      now(),
    );
  }

  async #state(): Promise<AuthorityState> {
    const row = this.#row ?? (await this.#first());
    const to = nextPhase[row.phase];
    let workers = 0;
    for await (const _ of this.#live()) workers += 1;
    return {
      ...{ phase: row.phase, version: row.version, root: row.root, next: row.next },
      ...{ serving: servingRoot(row), trusted: trustedRoots(row), nextPhase: to },
      ...{ changedAt: row.changedAt, changedBy: row.changedBy, workers },
      waitingWorkers: await this.#leftBehind(row, to),
      waitingNodes: row.phase === "standby" ? [] : await this.#waitingNodes(row),
    };
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
