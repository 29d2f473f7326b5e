import type { AddressedMessage } from "#actors/commands";
import type { MessageView } from "#actors/view";
import { stepKey } from "#domain/id";
import type { KeyedNeeds, Needs, TextNeeds } from "#domain/needs";
import { forKinds, idOfKey, keyedKindNames, type TextKey, textId, textKindNames } from "#domain/row-kinds";
import type { Lane } from "#domain/task/lane";
import { compareReady, type ReadyStep, readyStep } from "#domain/task/step";
import { templateKey } from "#domain/template/template";
import type { TurnStore } from "#ports/store-turns";
import { needsOf } from "../machines/actors.js";
import { keyName } from "../memory/families.js";
import type { Workspace } from "../memory/workspace.js";
import { fromStore } from "./store-error.js";

type Wanted = { [Kind in keyof Needs]-?: NonNullable<Needs[Kind]>[number][] };

/**
 * Loads into the workspace the rows that messages need and the turn does not have yet. Requests each row from the store
 * at most once in a turn, whether or not it is found.
 */
export class RowLoader {
  readonly #store: Pick<TurnStore, "load">;
  readonly #work: Workspace;
  readonly #asked = new Set<string>();
  /** What the next read requests. */
  #wanted = nothing();
  #missing = 0;
  /** True if what is loaded must be as the store has it now, and not as a cache remembers it. */
  #fresh = false;

  constructor(store: Pick<TurnStore, "load">, work: Workspace) {
    this.#store = store;
    this.#work = work;
  }

  /**
   * Loads the rows for all messages of a turn in one batched read. A message whose needs cannot be computed is skipped
   * here and fails when it is decided.
   *
   * @param isFresh says for which messages all that this turn loads must be as the store has it now: an answer that writes
   * nothing is checked by no commit. What is found by a key always is.
   */
  async loadFor(
    messages: readonly AddressedMessage[],
    view: MessageView,
    isFresh?: (index: number) => boolean,
  ): Promise<void> {
    for (const [i, message] of messages.entries()) {
      try {
        const needs = needsOf(message, view);
        this.#want(needs);
        if (isFresh?.(i) && namesRows(needs)) this.#fresh = true;
      } catch {}
    }
    await this.#load();
  }

  /** Call when rows were forgotten: what was requested before is requested again. @param fresh of the store itself */
  forget(fresh = false): void {
    this.#asked.clear();
    if (fresh) this.#fresh = true;
  }

  /** Undefined if everything is loaded, so that the common case needs no tick of the event loop. */
  loadMissing(needs: Needs): Promise<void> | undefined {
    this.#want(needs);
    return this.#missing > 0 ? this.#load() : undefined;
  }

  /**
   * A lane's page as the store has it, corrected by the turn's uncommitted changes: without Steps that have left the
   * lane, with those that have become ready.
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

  async #load(): Promise<void> {
    if (this.#missing === 0) return;
    const wanted = this.#wanted;
    this.#wanted = nothing();
    this.#missing = 0;
    const loading = this.#fresh ? this.#store.load(wanted, true) : this.#store.load(wanted);
    this.#work.take(await fromStore(loading), wanted.wholeTasks, wanted.graphs);
  }

  #want(needs: Needs): void {
    const { wholeTasks, graphs, keys, templates, heldBy } = needs;
    const work = this.#work;
    for (const name of keyedKindNames) {
      const wanted = needs[name];
      if (wanted)
        for (const key of wanted) if (!work.has(name, key)) this.#ask(name, key, idOfKey(name, key));
    }
    for (const kind of textKindNames) {
      const wanted: readonly TextKey[] | undefined = needs[kind];
      if (wanted)
        for (const key of wanted)
          if (!work.rows.texts[kind].has(textId(key))) this.#ask(kind, key, textId(key));
    }
    if (wholeTasks) for (const id of wholeTasks) if (!work.isWhole(id)) this.#ask("wholeTasks", id, id);
    if (graphs) for (const id of graphs) if (!work.isComplete(id)) this.#ask("graphs", id, id);
    if (heldBy) for (const session of heldBy) this.#ask("heldBy", session, session);
    if (templates) for (const ref of templates) this.#ask("templates", ref, templateKey(ref));
    if (keys) {
      for (const key of keys) {
        if (!work.keyOwner(key.namespace, key.key)) this.#ask("keys", key, keyName(key.namespace, key.key));
      }
    }
  }

  /** Adds to the next read, unless the turn has requested it before. */
  #ask(kind: keyof Wanted, item: Wanted[keyof Wanted][number], name: string): void {
    const asked = `${kind} ${name}`;
    if (this.#asked.has(asked)) return;
    this.#asked.add(asked);
    (this.#wanted[kind] as unknown[]).push(item);
    this.#missing += 1;
  }
}

/** True if it needs more than what is found by a key. */
function namesRows({ keys: _, ...others }: Needs): boolean {
  return Object.values(others).some((wanted: readonly unknown[] | undefined) => (wanted?.length ?? 0) > 0);
}

function nothing(): Wanted {
  return {
    ...forKinds<Pick<Wanted, keyof KeyedNeeds>>(keyedKindNames, () => []),
    ...forKinds<Pick<Wanted, keyof TextNeeds>>(textKindNames, () => []),
    wholeTasks: [],
    graphs: [],
    keys: [],
    templates: [],
    heldBy: [],
  };
}
