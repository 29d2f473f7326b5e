import type { SessionId, StepKey } from "#domain/id";
import { WHOLE_TASK } from "#domain/task/deadline";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type {
  InspectedEntity,
  InspectedMessage,
  Inspection,
  InspectionRecord,
  InspectionSource,
  TurnRecords,
} from "#ports/inspection";
import type { Telemetry } from "#ports/telemetry";
import { Deadlines } from "./deadlines.js";
import { EventMaker, type InspectionItem } from "./events.js";
import { Lineage } from "./lineage.js";
import { sessionIdOf } from "./names.js";
import { Replay, type ReplayedTask } from "./replay.js";
import { lineageOf, storedOf } from "./stored.js";
import { Viewer, type ViewerOptions } from "./viewer.js";

export interface HubOptions {
  readonly telemetry: Pick<Telemetry, "count" | "log">;
  /** True if messages and contexts have texts too, clipped: inputs, results, errors. Default false. */
  readonly payloads?: boolean;
}

type Message = Extract<InspectionRecord, { readonly type: "message" }>;
type Change = Extract<InspectionRecord, { readonly type: "change" }>;

/**
 * Makes events of the inspector's protocol from what turns publish, for whoever looks on. Without a viewer it is not
 * attached, and turns record nothing.
 */
export class InspectionHub implements Inspection {
  /** A field, since it is read in every turn. */
  attached = false;
  readonly #telemetry: HubOptions["telemetry"];
  readonly #viewers = new Set<Viewer>();
  readonly #deadlines = new Deadlines();
  readonly #maker: EventMaker;
  #source: InspectionSource = NOTHING;

  constructor({ telemetry, payloads = false }: HubOptions) {
    this.#telemetry = telemetry;
    const source: Pick<InspectionSource, "worker" | "leaseUntil"> = {
      worker: (session) => this.#source.worker(session),
      leaseUntil: (session) => this.#source.leaseUntil(session),
    };
    this.#maker = new EventMaker({ deadlines: this.#deadlines, source, payloads });
  }

  open(source: InspectionSource): void {
    this.#source = source;
    for (const viewer of this.#viewers) this.#begin(viewer);
  }

  /**
   * Somebody looks on from now on: at what happens, after what there is.
   *
   * @returns undefined if {@link limits.inspectViewers} do already
   */
  attach(options: ViewerOptions = {}): Viewer | undefined {
    if (this.#viewers.size >= limits.inspectViewers) return undefined;
    const viewer = new Viewer(options, {
      maker: this.#maker,
      now: () => this.#source.now(),
      onDropped: (count) => this.#telemetry.count("taskrun_inspect_dropped_total", {}, count),
      onClosed: () => this.#forget(viewer),
    });
    this.#viewers.add(viewer);
    this.attached = true;
    if (this.#source !== NOTHING) this.#begin(viewer);
    return viewer;
  }

  /** Makes the events of a Task's log, for who was not there. */
  replay(task: ReplayedTask): Replay {
    return new Replay(task);
  }

  publish(turn: TurnRecords): void {
    const { records } = turn;
    for (const record of records) if (record.type === "deadline") this.#deadlines.follow(record);
    const lineage = new Lineage(turn, this.#source);
    for (const record of records) this.#tell(record, turn, lineage);
    for (const { entity, cause } of this.#consequences(turn)) {
      this.#tell({ type: "change", before: entity, after: entity, cause }, turn, lineage);
    }
  }

  #tell(record: InspectionRecord, turn: TurnRecords, lineage: Lineage): void {
    if (record.type === "message") this.#tellMessage(record, turn, lineage);
    else if (record.type === "change" && record.before) this.#tellChange(record, turn, lineage);
    else if (record.type !== "deadline") {
      const entity = record.type === "state" ? record.entity : record.after;
      for (const viewer of this.#viewers) {
        if (viewer.wants(record, lineage)) viewer.tell(entity, lineage);
      }
    }
  }

  #tellMessage(record: Message, { at }: TurnRecords, lineage: Lineage): void {
    const { from, to, message } = record;
    const [fromId, toId] = [sessionIdOf(from), sessionIdOf(to)];
    let made: InspectionItem | undefined;
    for (const viewer of this.#viewers) {
      if (!viewer.wants(record, lineage)) continue;
      viewer.introduce(from, lineage, fromId);
      viewer.introduce(to, lineage, toId);
      made ??= this.#maker.message(toId, fromId, message, at);
      viewer.push(made);
    }
  }

  #tellChange(record: Change, { at }: TurnRecords, lineage: Lineage): void {
    const { before, after, cause } = record;
    const id = sessionIdOf(after);
    let made: InspectionItem | undefined;
    for (const viewer of this.#viewers) {
      if (!viewer.wants(record, lineage)) continue;
      viewer.introduce(before ?? after, lineage, id);
      made ??= this.#maker.snapshot(after, id, cause, at);
      viewer.push(made);
    }
  }

  /**
   * What a turn changes of contexts without a change of a row: deadlines of Tasks and Steps that have not changed
   * otherwise, and how many Runs workers hold.
   */
  #consequences({ records, rows }: TurnRecords): Iterable<Consequence> {
    const found = new Map<string, Consequence>();
    const changed = new Set<string>();
    for (const record of records) {
      if (record.type !== "change") continue;
      changed.add(sessionIdOf(record.after));
      for (const session of sessionsOf(record)) {
        const worker = this.#source.worker(session);
        if (worker) found.set(session, { entity: { kind: "worker", row: worker.row }, cause: record.cause });
      }
    }
    for (const record of records) {
      if (record.type !== "deadline") continue;
      const entity = entityOf(record, rows);
      if (entity && !changed.has(sessionIdOf(entity))) {
        found.set(sessionIdOf(entity), { entity, cause: record.cause });
      }
    }
    return found.values();
  }

  #begin(viewer: Viewer): void {
    const lineage = lineageOf([], this.#source);
    for (const entity of this.#source.actors()) viewer.introduce(entity, lineage);
    if (!viewer.family) {
      for (const { row } of this.#source.workers()) viewer.introduce({ kind: "worker", row }, lineage);
    }
    const read = () => storedOf(viewer.options, this.#source);
    viewer
      .tellStored(read, (stored) => lineageOf(stored, this.#source))
      .catch((error: unknown) => {
        this.#telemetry.log.warn("an inspector is not told of the Tasks there are: they cannot be read", {
          err: error,
        });
      });
  }

  #forget(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    this.attached = this.#viewers.size > 0;
    if (!this.attached) this.#deadlines.clear();
  }
}

/** An entity whose context has changed although its row has not, and by which message. */
interface Consequence {
  readonly entity: InspectedEntity;
  readonly cause: InspectedMessage;
}

/** The sessions that a change of a Run takes a slot from, or gives one back to. */
function sessionsOf({ before, after }: Change): readonly SessionId[] {
  if (after.kind !== "run") return [];
  const held = before?.kind === "run" ? before.row.heldBy : "";
  if (held === after.row.heldBy) return [];
  return [held, after.row.heldBy].filter((session): session is SessionId => session !== "");
}

/** Whose deadline it is; undefined if the turn did not have the row. */
function entityOf({ taskId, stepName }: StepKey, rows: TurnRecords["rows"]): InspectedEntity | undefined {
  if (stepName === WHOLE_TASK) {
    const row = rows.task(taskId);
    return row && { kind: "task", row };
  }
  const row = rows.step({ taskId, stepName });
  return row && { kind: "step", row };
}

/** Before the plane has started. */
const NOTHING: InspectionSource = {
  now: () => NEVER,
  actors: () => [],
  workers: () => [],
  worker: () => undefined,
  leaseUntil: () => NEVER,
  task: async () => undefined,
  tasks: async () => [],
};
