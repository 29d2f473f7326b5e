import type { Told } from "#actors/asks";
import type { StepKey } from "#domain/id";
import { stepKey } from "#domain/id";
import type { Lane } from "#domain/lane";
import { compareReady, type ReadyStep, readyStep } from "#domain/step";
import { templateKey } from "#domain/template";
import type { Needs, Store } from "#ports/store";
import { needsOf } from "./gather.js";
import type { Scene } from "./scene.js";
import { holderKey, type Workspace } from "./workspace.js";

type Wanted = { [Kind in keyof Needs]-?: NonNullable<Needs[Kind]>[number][] };

/** What the turn has asked the store for. Nothing is asked for twice, found or not. */
export class Seen {
  readonly #store: Store;
  readonly #work: Workspace;
  readonly #asked = new Set<string>();

  constructor(store: Store, work: Workspace) {
    this.#store = store;
    this.#work = work;
  }

  /** One batched read for all first messages of a turn. */
  async seeFor(messages: readonly Told[], scene: Scene): Promise<void> {
    const wanted = nothing();
    for (const message of messages) this.#addTo(wanted, needsOf(message, scene));
    await this.#load(wanted);
  }

  /** Undefined if everything is here, so that the common case needs no tick of the event loop. */
  see(needs: Needs): Promise<void> | undefined {
    const wanted = nothing();
    this.#addTo(wanted, needs);
    return Object.values(wanted).some((list) => list.length > 0) ? this.#load(wanted) : undefined;
  }

  /**
   * A page as the store has it, and as the turn knows better: without Steps that have moved on, with
   * those that have just become ready.
   */
  corrected(lane: Lane, page: readonly ReadyStep[]): ReadyStep[] {
    const changed = new Map<string, ReadyStep | undefined>();
    for (const { after } of this.#work.changes.steps) {
      const now = this.#work.step({ taskId: after.taskId, stepName: after.name }) ?? after;
      const ready = now.state === "enqueued" && now.lane === lane.key ? readyStep(now) : undefined;
      changed.set(stepKey({ taskId: after.taskId, stepName: after.name }), ready);
    }
    const kept = page.filter((step) => !changed.has(stepKey(step)));
    const added = [...changed.values()].filter((step) => step !== undefined);
    return [...kept, ...added].sort(compareReady);
  }

  async #load(wanted: Wanted): Promise<void> {
    if (!Object.values(wanted).some((list) => list.length > 0)) return;
    this.#work.take(await this.#store.load(wanted), wanted.wholeTasks, wanted.graphs);
  }

  #addTo(wanted: Wanted, needs: Needs): void {
    const { wholeTasks = [], graphs = [], steps = [], runs = [], keys = [], inputs = [] } = needs;
    const { stepInputs = [], outputs = [], templates = [] } = needs;
    const work = this.#work;
    for (const id of graphs) if (!work.isComplete(id) && this.#isNew(`graph ${id}`)) wanted.graphs.push(id);
    for (const key of stepInputs)
      if (!work.stepInputs.has(stepKey(key)) && this.#isNew(`given ${stepKey(key)}`))
        wanted.stepInputs.push(key);
    for (const key of outputs)
      if (!work.outputs.has(stepKey(key)) && this.#isNew(`output ${stepKey(key)}`)) wanted.outputs.push(key);
    for (const ref of templates) if (this.#isNew(`template ${templateKey(ref)}`)) wanted.templates.push(ref);
    for (const id of wholeTasks)
      if (!work.isWhole(id) && this.#isNew(`whole ${id}`)) wanted.wholeTasks.push(id);
    for (const key of steps)
      if (!this.#hasStep(key) && this.#isNew(`step ${stepKey(key)}`)) wanted.steps.push(key);
    for (const id of runs) if (!work.run(id) && this.#isNew(`run ${id}`)) wanted.runs.push(id);
    for (const id of inputs) if (!work.inputs.has(id) && this.#isNew(`input ${id}`)) wanted.inputs.push(id);
    for (const key of keys) {
      if (!work.holder(key.namespace, key.key) && this.#isNew(`key ${holderKey(key.namespace, key.key)}`))
        wanted.keys.push(key);
    }
  }

  #hasStep(key: StepKey): boolean {
    return this.#work.step(key) !== undefined && this.#work.task(key.taskId) !== undefined;
  }

  #isNew(name: string): boolean {
    if (this.#asked.has(name)) return false;
    this.#asked.add(name);
    return true;
  }
}

function nothing(): Wanted {
  return {
    wholeTasks: [],
    graphs: [],
    steps: [],
    runs: [],
    keys: [],
    inputs: [],
    stepInputs: [],
    outputs: [],
    templates: [],
  };
}
