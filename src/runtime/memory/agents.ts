import { utf8Bytes } from "#domain/text/text";
import type { Instant } from "#domain/time/time";
import {
  type AgentKey,
  type AgentRow,
  type Announcement,
  agentKey,
  type CurrentAnnouncement,
  type KnownAgent,
  NOTHING_ANNOUNCED,
} from "#domain/worker/agent";
import type { AgentSpec, SessionRow } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { Journal } from "./journal.js";

/** What is to be written of agents. */
export interface AgentChanges {
  readonly kept: readonly AgentRow[];
  readonly forgotten: readonly AgentKey[];
}

export const NO_AGENT_CHANGES: AgentChanges = { kept: [], forgotten: [] };

/**
 * The agents that workers have announced, by namespace and name: what is remembered of each, and what its connected workers
 * say now. Follows the worker sessions; every change goes through the turn's journal, and entries are replaced as a whole.
 *
 * Readers outside turns use only the members named `committed…`.
 */
export class AgentDirectory {
  readonly #known = new Map<string, KnownAgent>();
  readonly #committed = new Map<string, KnownAgent>();
  /** Entries that the turn in flight has changed. */
  readonly #changed = new Set<string>();
  #rows = 0;
  #bytes = 0;

  /** Adds what the store remembers, at boot. */
  restore(rows: readonly AgentRow[]): void {
    for (const row of rows) {
      this.#known.set(agentKey(row), { namespace: row.namespace, name: row.name, row, current: [] });
      this.#committed.set(agentKey(row), { namespace: row.namespace, name: row.name, row, current: [] });
      this.#rows += 1;
      this.#bytes += bytesOf(row);
    }
  }

  /** Adds what workers of other nodes have announced. Call while no turn is in flight. */
  learn(rows: readonly AgentRow[]): void {
    for (const row of rows) {
      const key = agentKey(row);
      const known = this.#known.get(key);
      if (known?.row && known.row.seenAt >= row.seenAt) continue;
      const learnt = { namespace: row.namespace, name: row.name, row, current: known?.current ?? [] };
      this.#rows += known?.row ? 0 : 1;
      this.#bytes += bytesOf(row) - (known?.row ? bytesOf(known.row) : 0);
      this.#known.set(key, learnt);
      this.#committed.set(key, learnt);
    }
  }

  /** Call after a commit or roll-back: makes the present entries the committed ones. */
  turnEnded(): void {
    if (this.#changed.size === 0) return;
    for (const key of this.#changed) {
      const known = this.#known.get(key);
      if (known) this.#committed.set(key, known);
      else this.#committed.delete(key);
    }
    this.#changed.clear();
  }

  /** What decides for Tasks of this namespace that name the agent; undefined if it was never announced there. */
  find(namespace: string, name: string): KnownAgent | undefined {
    return decisive(this.#known, namespace, name);
  }

  committedOf(namespace: string, name: string): KnownAgent | undefined {
    return decisive(this.#committed, namespace, name);
  }

  /** All agents as the last commit left them, in no order. */
  committed(): IterableIterator<KnownAgent> {
    return this.#committed.values();
  }

  /** Updates the announcements from a changed session. Returns what is to be written. */
  follow(before: SessionRow | undefined, after: SessionRow, at: Instant, journal: Journal): AgentChanges {
    const was = before && isCurrent(before) ? before.info.agents : NO_AGENTS;
    const is = isCurrent(after) ? after.info.agents : NO_AGENTS;
    if (was === is) return NO_AGENT_CHANGES;

    const kept: AgentRow[] = [];
    let room: number = limits.announcedBytes;
    const changed = (spec: AgentSpec, comes: boolean) => {
      for (const namespace of namespacesOf(after)) {
        this.#count({ namespace, name: spec.name }, spec.announced, comes ? 1 : -1, journal);
        const row = this.#rowToKeep(rowOf(spec, namespace, at), comes, room);
        if (!row) continue;
        room -= utf8Bytes(row.announced.inputSchema);
        kept.push(row);
      }
    };
    for (const spec of was) if (!is.includes(spec)) changed(spec, false);
    for (const spec of is) if (!was.includes(spec)) changed(spec, true);
    return kept.length === 0 ? NO_AGENT_CHANGES : this.#keep(kept, at, journal);
  }

  /** The row to write of an agent whose worker has come or gone; undefined if what is stored is recent enough. */
  #rowToKeep(row: AgentRow, comes: boolean, room: number): AgentRow | undefined {
    const stored = this.#known.get(agentKey(row))?.row;
    const isRecent = stored !== undefined && stored.seenAt + limits.agentSeenEvery > row.seenAt;
    // Of a worker that leaves only the instant counts: another one may have announced something else since.
    if (!comes) return stored && !isRecent ? { ...stored, seenAt: row.seenAt } : undefined;
    if (isRecent && isSame(stored, row)) return undefined;
    if (utf8Bytes(row.announced.inputSchema) <= room) return row;
    return { ...row, announced: { ...row.announced, inputSchema: "" } };
  }

  #keep(rows: readonly AgentRow[], at: Instant, journal: Journal): AgentChanges {
    const forgotten = this.#idleSince(at - limits.agentKept);
    for (const row of forgotten) this.#put(row, undefined, journal);
    const kept: AgentRow[] = [];
    for (const row of rows) {
      while (!this.#hasRoomFor(row)) {
        const idle = this.#longestIdle();
        if (!idle) break;
        this.#put(idle, undefined, journal);
        forgotten.push(idle);
      }
      if (!this.#hasRoomFor(row)) continue;
      this.#put(row, row, journal);
      kept.push(row);
    }
    const keys = new Set(kept.map(agentKey));
    return { kept, forgotten: forgotten.filter((row) => !keys.has(agentKey(row))) };
  }

  #hasRoomFor(row: AgentRow): boolean {
    const stored = this.#known.get(agentKey(row))?.row;
    const rows = this.#rows + (stored ? 0 : 1);
    const bytes = this.#bytes + bytesOf(row) - (stored ? bytesOf(stored) : 0);
    return rows <= limits.knownAgents && bytes <= limits.knownAgentBytes;
  }

  /** The agents without a worker that were last seen before `since`. */
  #idleSince(since: number): AgentRow[] {
    const rows: AgentRow[] = [];
    for (const { row, current } of this.#known.values())
      if (row && current.length === 0 && row.seenAt < since) rows.push(row);
    return rows;
  }

  #longestIdle(): AgentRow | undefined {
    let oldest: AgentRow | undefined;
    for (const { row, current } of this.#known.values())
      if (row && current.length === 0 && (!oldest || row.seenAt < oldest.seenAt)) oldest = row;
    return oldest;
  }

  /** Counts a worker that has come (+1) or gone (−1). */
  #count(key: AgentKey, announced: Announcement = NOTHING_ANNOUNCED, by: 1 | -1, journal: Journal): void {
    const known = this.#known.get(agentKey(key));
    const others = (known?.current ?? []).filter((other) => other.announced.digest !== announced.digest);
    const same = known?.current.find((other) => other.announced.digest === announced.digest);
    const workers = (same?.workers ?? 0) + by;
    const now = workers > 0 ? [{ announced: same?.announced ?? announced, workers }] : [];
    this.#replace(key, known?.row, [...others, ...now], journal);
  }

  /** Replaces what is remembered. @param row undefined to forget it */
  #put(key: AgentKey, row: AgentRow | undefined, journal: Journal): void {
    const known = this.#known.get(agentKey(key));
    const before = known?.row;
    const rows = Number(row !== undefined) - Number(before !== undefined);
    const bytes = (row ? bytesOf(row) : 0) - (before ? bytesOf(before) : 0);
    this.#rows += rows;
    this.#bytes += bytes;
    journal.changed(() => {
      this.#rows -= rows;
      this.#bytes -= bytes;
    });
    this.#replace(key, row, known?.current ?? [], journal);
  }

  #replace(
    { namespace, name }: AgentKey,
    row: AgentRow | undefined,
    current: readonly CurrentAnnouncement[],
    journal: Journal,
  ): void {
    const key = agentKey({ namespace, name });
    this.#changed.add(key);
    if (!row && current.length === 0) journal.delete(this.#known, key);
    else journal.set(this.#known, key, { namespace, name, row, current });
  }
}

const NO_AGENTS: readonly AgentSpec[] = [];

/** True if the session's announcements count: of workers that drain or are away they do not. */
function isCurrent({ state }: SessionRow): boolean {
  return state === "serving" || state === "failing";
}

/** What a worker of a namespace announces decides before what one of all namespaces does, while it is connected. */
function decisive(
  agents: ReadonlyMap<string, KnownAgent>,
  namespace: string,
  name: string,
): KnownAgent | undefined {
  const own = agents.get(agentKey({ namespace, name }));
  const general = agents.get(agentKey({ namespace: "", name }));
  if (!own || !general) return own ?? general;
  const both = [...own.current, ...general.current];
  const [first, second] =
    own.current.length > 0 || general.current.length === 0 ? [own, general] : [general, own];
  return { ...first, row: first.row ?? second.row, current: merged(both) };
}

/** Each announcement once. */
function merged(all: readonly CurrentAnnouncement[]): CurrentAnnouncement[] {
  const found = new Map<string, CurrentAnnouncement>();
  for (const { announced, workers } of all) {
    const same = found.get(announced.digest);
    found.set(announced.digest, { announced, workers: workers + (same?.workers ?? 0) });
  }
  return [...found.values()];
}

/** The namespaces that the session serves; the empty one stands for all. */
function namespacesOf({ info }: SessionRow): readonly string[] {
  return info.namespaces.length === 0 ? [""] : [...new Set(info.namespaces)];
}

function rowOf(
  { name, description, announced = NOTHING_ANNOUNCED }: AgentSpec,
  namespace: string,
  at: Instant,
): AgentRow {
  return { namespace, name, description, announced, seenAt: at };
}

function isSame(a: AgentRow, b: AgentRow): boolean {
  return (
    a.description === b.description &&
    a.announced.digest === b.announced.digest &&
    a.announced.concurrency === b.announced.concurrency
  );
}

/** What the row takes in memory, about. */
function bytesOf({ namespace, name, description, announced }: AgentRow): number {
  const texts = [namespace, name, description, announced.inputSchema, ...announced.retry.only];
  return texts.reduce((sum, text) => sum + utf8Bytes(text), 256);
}
