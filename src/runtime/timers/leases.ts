import type { SessionId } from "#domain/id";
import { type Instant, later, type Millis, NEVER } from "#domain/time/time";
import type { WorkerSink } from "#ports/plane";

interface Lease {
  readonly ttl: Millis;
  until: Instant;
  lastHeard: Instant;
  /** The stream, while it is open. */
  sink: WorkerSink | undefined;
  /** True while this side does not read the stream; the lease does not end then. */
  unread: boolean;
  /** True after {@link Leases.ended} has returned the session, until it is heard again or `retell` is called. */
  told: boolean;
}

const FOREVER = Number.MAX_SAFE_INTEGER as Instant;

/**
 * The leases of this node's worker sessions, and their streams. Kept in memory only, and changed outside turns: a
 * heartbeat renews its lease on arrival and writes nothing.
 */
export class Leases {
  readonly #leases = new Map<SessionId, Lease>();
  /** True if the last scheduling passed over a worker with a free slot because of its unsent bytes. */
  hasDeferred = false;

  open(session: SessionId, sink: WorkerSink, ttl: Millis, at: Instant): void {
    const until = later(at, ttl);
    this.#leases.set(session, { ttl, until, lastHeard: at, sink, unread: false, told: false });
  }

  /** Adds a session that is known only from its Runs. It is lost if its worker does not reconnect within `ttl`. */
  expect(session: SessionId, ttl: Millis, at: Instant): void {
    const until = later(at, ttl);
    this.#leases.set(session, { ttl, until, lastHeard: NEVER, sink: undefined, unread: false, told: false });
  }

  renew(session: SessionId, at: Instant): void {
    const lease = this.#leases.get(session);
    if (!lease) return;
    lease.until = later(at, lease.ttl);
    lease.lastHeard = at;
    lease.told = false;
  }

  /** Suspends (`unread` true) or resumes a lease. Call while a full mailbox keeps the stream from being read. */
  pause(session: SessionId, unread: boolean): void {
    const lease = this.#leases.get(session);
    if (lease) lease.unread = unread;
  }

  until(session: SessionId): Instant {
    const lease = this.#leases.get(session);
    if (!lease) return NEVER;
    return lease.unread ? FOREVER : lease.until;
  }

  lastHeard(session: SessionId): Instant {
    return this.#leases.get(session)?.lastHeard ?? NEVER;
  }

  sink(session: SessionId): WorkerSink | undefined {
    return this.#leases.get(session)?.sink;
  }

  /** Call when the stream has ended: there is no sink any more, but the lease continues. */
  hangUp(session: SessionId): void {
    const lease = this.#leases.get(session);
    if (lease) lease.sink = undefined;
  }

  forget(session: SessionId): void {
    this.#leases.delete(session);
  }

  /**
   * Extends all leases. Call after this process was suspended: it could not receive the workers' messages meanwhile.
   */
  extendAll(by: Millis): void {
    for (const lease of this.#leases.values()) lease.until = later(lease.until, by);
  }

  /** Sessions whose lease has ended. Each is returned once, until it is renewed or `retell` is called. */
  ended(at: Instant): SessionId[] {
    const ended: SessionId[] = [];
    for (const [session, lease] of this.#leases) {
      if (lease.until > at || lease.unread || lease.told) continue;
      lease.told = true;
      ended.push(session);
    }
    return ended;
  }

  /** Extends a lease to `until` at least. Call when the end of the lease cannot be decided now. */
  postpone(session: SessionId, until: Instant): void {
    const lease = this.#leases.get(session);
    if (lease && lease.until < until) lease.until = until;
  }

  /** Lets {@link ended} return the session again. Call when its message was refused, or did not end it. */
  retell(session: SessionId): void {
    const lease = this.#leases.get(session);
    if (lease) lease.told = false;
  }

  earliest(): Instant | undefined {
    let earliest: Instant | undefined;
    for (const { until, told, unread } of this.#leases.values()) {
      if (!told && !unread && (earliest === undefined || until < earliest)) earliest = until;
    }
    return earliest;
  }

  /** Bytes that the transports of all workers have not taken yet. */
  unsentBytes(): number {
    let bytes = 0;
    for (const { sink } of this.#leases.values()) if (sink) bytes += sink.unsentBytes;
    return bytes;
  }

  /** When each worker with a stream was last heard. */
  heard(): Map<SessionId, Instant> {
    const heard = new Map<SessionId, Instant>();
    for (const [session, { lastHeard, sink }] of this.#leases) if (sink) heard.set(session, lastHeard);
    return heard;
  }

  sinks(): WorkerSink[] {
    return [...this.#leases.values()].flatMap(({ sink }) => sink ?? []);
  }
}
