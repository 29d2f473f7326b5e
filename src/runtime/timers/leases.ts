import type { SessionId } from "#domain/id";
import { type Instant, later, type Millis, NEVER } from "#domain/time/time";
import type { WorkerSink } from "#ports/plane";

interface Lease {
  readonly ttl: Millis;
  until: Instant;
  lastHeard: Instant;
  /** The stream, while it is open. */
  sink: WorkerSink | undefined;
  /** Not judged while we ourselves are not reading the stream. */
  unread: boolean;
  /** The plane has been told of the silence and has not answered yet. */
  told: boolean;
}

const FOREVER = Number.MAX_SAFE_INTEGER as Instant;

/**
 * Who was heard when, and how to speak to whom: the leases of this node's worker sessions and their
 * streams. In memory only, and outside the turn: a heartbeat renews on arrival and writes nothing.
 */
export class Leases {
  readonly #leases = new Map<SessionId, Lease>();
  /** True if the scheduler has last passed over a worker with a free slot because too much waits to be sent. */
  hasDeferred = false;

  open(session: SessionId, sink: WorkerSink, ttl: Millis, at: Instant): void {
    const until = later(at, ttl);
    this.#leases.set(session, { ttl, until, lastHeard: at, sink, unread: false, told: false });
  }

  /** A session known only from its Runs: it has this long to come back. */
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

  /** While a mailbox is full the stream is not read, and its lease does not run. */
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

  /** The stream has ended; the lease goes on. */
  hangUp(session: SessionId): void {
    const lease = this.#leases.get(session);
    if (lease) lease.sink = undefined;
  }

  forget(session: SessionId): void {
    this.#leases.delete(session);
  }

  /** The clock has stood still for us, so it has for the workers' messages: nobody is judged for it. */
  extendAll(by: Millis): void {
    for (const lease of this.#leases.values()) lease.until = later(lease.until, by);
  }

  /** Sessions whose lease has ended and who have not been told of; each is named once per silence. */
  ended(at: Instant): SessionId[] {
    const ended: SessionId[] = [];
    for (const [session, lease] of this.#leases) {
      if (lease.until > at || lease.unread || lease.told) continue;
      lease.told = true;
      ended.push(session);
    }
    return ended;
  }

  /** The session's silence cannot be decided about: it is named again after this. */
  postpone(session: SessionId, until: Instant): void {
    const lease = this.#leases.get(session);
    if (lease && lease.until < until) lease.until = until;
  }

  /** Name it again at the next look: the mailbox had no room. */
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

  /** What all workers' transports have not taken yet. */
  unsentBytes(): number {
    let bytes = 0;
    for (const { sink } of this.#leases.values()) if (sink) bytes += sink.unsentBytes;
    return bytes;
  }

  sinks(): WorkerSink[] {
    return [...this.#leases.values()].flatMap(({ sink }) => sink ?? []);
  }
}
