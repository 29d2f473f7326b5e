import type { NodeId, SessionId } from "#domain/id";
import { NodeGone, type NodeInfo } from "#domain/node";
import { type Instant, later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { NodeLease, NodeStore } from "#ports/nodes";
import type { Telemetry } from "#ports/telemetry";

export interface MembershipParts {
  readonly info: NodeInfo;
  readonly store: Pick<NodeStore, "join" | "renew" | "drain" | "leave">;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** When each connected worker was last heard. */
  readonly heard: () => ReadonlyMap<SessionId, Instant>;
  /** The lease is lost, or may be: nothing may be done any more in the name of this node. Called once. */
  readonly gone: (error: Error) => void;
}

/**
 * This node's place among the others: joins, renews the lease, and ends it all in time when the lease cannot be renewed. Others
 * act when the lease has ended by the clock of the store; this node stops a third of a lease before, by its own.
 */
export class Membership {
  readonly #parts: MembershipParts;
  /** When the last successful request was sent, by the monotonic clock. */
  #goodAt = 0;
  #renewing = false;
  #over = false;
  #disarm: (() => void)[] = [];

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  get id(): NodeId {
    return this.#parts.info.id;
  }

  /** Seconds that this node may go on for without a renewal. */
  get secondsLeft(): number {
    return Math.max(0, this.#goodAt + limits.nodeAlone - this.#parts.clock.monotonic()) / 1_000;
  }

  /** Call once, before anything is written. */
  async join(): Promise<NodeLease> {
    const { clock, store, info } = this.#parts;
    const sentAt = clock.monotonic();
    const lease = await store.join(info, limits.nodeLease);
    this.#goodAt = sentAt;
    return lease;
  }

  /** Renews from now on. Call when plane time has started. */
  start(): void {
    this.#renewIn(limits.nodeRenew);
    this.#watch();
  }

  /** Tells other nodes that this one is about to leave. */
  drain(): void {
    this.#parts.store.drain(this.id).catch((err: unknown) => this.#warn("draining", err));
  }

  /** Call when nothing is written any more: others take over at once. */
  async leave(): Promise<void> {
    this.stop();
    await this.#parts.store.leave(this.id).catch((err: unknown) => this.#warn("leaving", err));
  }

  /** Renews no more. */
  stop(): void {
    this.#over = true;
    for (const disarm of this.#disarm.splice(0)) disarm();
  }

  #renewIn(ms: number): void {
    if (!this.#over) this.#wakeIn(ms, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { clock, store, heard, telemetry } = this.#parts;
    if (this.#over || this.#renewing || this.#endIfAlone()) return;
    this.#renewing = true;
    const sentAt = clock.monotonic();
    try {
      await store.renew(this.id, limits.nodeLease, heard());
      this.#goodAt = Math.max(this.#goodAt, sentAt);
      telemetry.count("taskrun_node_renewals_total", { outcome: "renewed" });
      this.#renewIn(limits.nodeRenew);
    } catch (error) {
      telemetry.count("taskrun_node_renewals_total", { outcome: "failed" });
      if (error instanceof NodeGone) return this.#end(error);
      this.#warn("renewing its lease", error);
      this.#renewIn(limits.nodeRetry);
    } finally {
      this.#renewing = false;
    }
  }

  /** Wakes when the lease would have to be given up, and again if it was renewed meanwhile. */
  #watch(): void {
    if (this.#over || this.#endIfAlone()) return;
    this.#wakeIn(this.secondsLeft * 1_000, () => this.#watch());
  }

  #endIfAlone(): boolean {
    if (this.secondsLeft > 0) return false;
    const { nodeAlone } = limits;
    const message = `node ${this.id} could not renew its lease for ${nodeAlone / 1_000} s, and stops before others take over. Start it again`;
    this.#end(new Error(message));
    return true;
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.stop();
    this.#parts.gone(error);
  }

  #wakeIn(ms: number, fire: () => void): void {
    const { clock } = this.#parts;
    const disarm = clock.wakeAt(later(clock.now(), millis(Math.ceil(ms))), () => {
      this.#disarm = this.#disarm.filter((other) => other !== disarm);
      fire();
    });
    this.#disarm.push(disarm);
  }

  #warn(what: string, err: unknown): void {
    this.#parts.telemetry.log.warn(`this node has failed at ${what}`, { node: this.id, err });
  }
}
