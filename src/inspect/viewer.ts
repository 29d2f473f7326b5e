import type { TaskId } from "#domain/id";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { InspectionRecord } from "#ports/inspection";
import { type Taken, ViewerBuffer } from "./buffer.js";
import type { EventMaker, InspectionItem } from "./events.js";
import { TaskFamily, tasksOf } from "./family.js";
import type { Lineage } from "./lineage.js";
import { parentIdOf, type Shown, sessionIdOf, TASK_PARENT, taskOf } from "./names.js";

export interface ViewerOptions {
  /** Only this Task and those below it; by default everything. */
  readonly taskId?: TaskId;
}

/** What a viewer is made with. */
export interface ViewerParts {
  readonly maker: EventMaker;
  readonly now: () => Instant;
  readonly onDropped: (count: number) => void;
  readonly onClosed: (viewer: Viewer) => void;
}

/**
 * One who gets the events of the protocol. Every actor comes before anything that happens to it, and so does its parent,
 * with its state as of then. Take what waits when `onReady` is called, and `close` it at the end.
 */
export class Viewer {
  readonly options: ViewerOptions;
  readonly family: TaskFamily | undefined;
  readonly #parts: ViewerParts;
  readonly #buffer: ViewerBuffer;
  /** While the store is read: who was told of meanwhile. What is read of them may be older. */
  #toldMeanwhile: Set<string> | undefined;
  #isClosed = false;

  constructor(options: ViewerOptions, parts: ViewerParts) {
    const { taskId } = options;
    this.options = options;
    this.family = taskId === undefined ? undefined : new TaskFamily(taskId);
    this.#parts = parts;
    this.#buffer = new ViewerBuffer((entity) => this.#actorOf(entity));
  }

  /** Called when there is something to take after there was nothing. */
  set onReady(ready: () => void) {
    this.#buffer.onReady = ready;
    if (!this.#buffer.isEmpty) ready();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** True if nothing waits. */
  get isIdle(): boolean {
    return this.#buffer.isEmpty;
  }

  /** Takes what waits, oldest first, up to a bound; call it again for the rest. */
  take(most: number = limits.inspectAtOnce): Taken {
    const taken = this.#buffer.take(most);
    if (taken.dropped > 0) this.#parts.onDropped(taken.dropped);
    return taken;
  }

  /** From now on it gets nothing, and costs nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { dropped } = this.#buffer.take(0);
    if (dropped > 0) this.#parts.onDropped(dropped);
    this.#parts.onClosed(this);
  }

  /** True if it has asked for what the record is about. */
  wants(record: InspectionRecord, { rows }: Lineage): boolean {
    const { family } = this;
    if (!family) return true;
    const ids = tasksOf(record, rows);
    if (ids.length > 0) return ids.some((id) => family.includes(id, rows.task(id)));
    // The states of actors and workers that it has been told of stay true; what they are told else is not of its Task.
    if (record.type === "message" || record.type === "deadline") return false;
    return this.#buffer.knows(sessionIdOf(record.type === "change" ? record.after : record.entity));
  }

  push(item: InspectionItem): void {
    if (item.entity) this.#toldMeanwhile?.add(item.sessionId);
    this.#buffer.push(item);
  }

  /** Tells of an entity and of those above it, unless it has been told of them. */
  introduce(entity: Shown, lineage: Lineage, sessionId: string = sessionIdOf(entity)): void {
    if (!this.#buffer.knows(sessionId)) this.tell(entity, lineage);
  }

  /** Tells of an entity anew. */
  tell(entity: Shown, lineage: Lineage): void {
    const parent = lineage.parentOf(entity);
    if (parent && this.#shows(parent)) this.introduce(parent, lineage);
    this.push(this.#actorOf(entity));
  }

  /** Reads the store while turns go on, then tells of what was read, as far as no turn has told of it since. */
  async tellStored<Entity extends Shown>(
    read: () => Promise<readonly Entity[]>,
    lineageOf: (stored: readonly Entity[]) => Lineage,
  ): Promise<void> {
    this.#toldMeanwhile = new Set();
    try {
      const stored = await read();
      if (this.#isClosed) return;
      const told = this.#toldMeanwhile;
      // From now on it hears of them, also of those below a Task that nothing happens to.
      for (const each of stored) if (each.kind === "task") this.family?.includes(each.row.id, each.row);
      const lineage = lineageOf(stored);
      for (const entity of stored) if (!told.has(sessionIdOf(entity))) this.introduce(entity, lineage);
    } finally {
      this.#toldMeanwhile = undefined;
    }
  }

  /** A Task whose parent it does not get, or has not got yet, is shown as one without. */
  #actorOf(entity: Shown): InspectionItem {
    const parentId = parentIdOf(entity);
    const isTop = entity.kind === "task" && parentId !== undefined && !this.#buffer.knows(parentId);
    return this.#parts.maker.actor(
      entity,
      sessionIdOf(entity),
      this.#parts.now(),
      isTop ? TASK_PARENT : parentId,
    );
  }

  #shows(entity: Shown): boolean {
    const id = taskOf(entity);
    return !this.family || id === undefined || this.family.has(id);
  }
}
