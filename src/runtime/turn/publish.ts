import type { ActorLife } from "#actors/life";
import { stepKey } from "#domain/id";
import type { InspectedEntity, InspectionRecord, InspectionSource, TurnRecords } from "#ports/inspection";
import type { Core } from "../core.js";
import { type ActorChange, actorNames } from "../machines/actors.js";
import type { Workspace } from "../memory/workspace.js";
import { RUNTIME } from "./recorder.js";
import type { Decided } from "./turn.js";

/** Tells inspectors what has happened, once it is committed. Never throws: an inspector that does is logged, once. */
export class Publisher {
  readonly #core: Core;
  #hasFailed = false;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Call once, when memory is rebuilt. */
  open(): void {
    this.#contain(() => this.#core.inspection.open(sourceOf(this.#core)));
  }

  /** Call after the commit, when the turn's changes of memory are the committed ones. */
  turn({ work, at, records }: Decided): void {
    if (!this.#core.inspection.attached) return;
    this.#publish({ at, records: records ?? this.#statesOf(work), rows: work });
  }

  /** Call when actors were told a message of their life. */
  lived(message: ActorLife, changes: readonly ActorChange[]): void {
    if (!this.#core.inspection.attached) return;
    const records = changes.flatMap(({ name, before, after }): InspectionRecord[] => {
      const to = { kind: "actor", name, state: before } as const;
      const told: InspectionRecord = { type: "message", from: RUNTIME, to, message };
      if (before === after) return [told];
      return [told, { type: "change", before: to, after: { ...to, state: after }, cause: message }];
    });
    this.#publish({ at: this.#core.clock.now(), records, rows: NO_ROWS });
  }

  /** Of a turn that began before anybody looked on: how it left what it has changed, and all sessions. */
  #statesOf({ changes }: Workspace): InspectionRecord[] {
    const { tasks, steps, runs } = changes;
    const entities: InspectedEntity[] = [
      ...lastOf(tasks, ({ id }) => id).map((row) => ({ kind: "task", row }) as const),
      ...lastOf(steps, ({ taskId, name: stepName }) => stepKey({ taskId, stepName })).map(
        (row) => ({ kind: "step", row }) as const,
      ),
      ...lastOf(runs, ({ id }) => id).map((row) => ({ kind: "run", row }) as const),
      ...this.#core.memory.roster.committed().map(({ row }) => ({ kind: "worker", row }) as const),
    ];
    return entities.map((entity) => ({ type: "state", entity }));
  }

  #publish(turn: TurnRecords): void {
    if (turn.records.length > 0) this.#contain(() => this.#core.inspection.publish(turn));
  }

  #contain(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#core.telemetry.log.error(
        "telling an inspector failed; the plane goes on, and further failures are not logged",
        {
          err: error,
        },
      );
    }
  }
}

/** The rows as the last change of each left them. */
function lastOf<Row>(
  changes: readonly { readonly after: Row }[],
  idOf: (row: Row) => string,
): readonly Row[] {
  return [...new Map(changes.map(({ after }) => [idOf(after), after])).values()];
}

const NO_ROWS: TurnRecords["rows"] = {
  task: () => undefined,
  step: () => undefined,
  run: () => undefined,
};

function sourceOf({ actors, clock, memory, leases, store }: Core): InspectionSource {
  const { roster } = memory;
  return {
    now: () => clock.now(),
    actors: () => actorNames.map((name) => ({ kind: "actor", name, state: actors.stateOf(name) })),
    workers: () => roster.committed(),
    worker: (session) => roster.committedOf(session),
    leaseUntil: (session) => leases.until(session),
    task: (id) => store.reads.task(id),
    tasks: async (most) => (await store.reads.tasks({ namespaces: "*" }, undefined, most)).tasks,
  };
}
