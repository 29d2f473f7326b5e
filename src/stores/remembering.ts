import type { StepKey, TaskId } from "#domain/id";
import type { LogSlice } from "#domain/log";
import type { Instant } from "#domain/time";
import type { Commit, Committed, Deadline, Loaded, Needs, Reads, Store, TaskDetail } from "#ports/store";
import { HotTasks, loadedOf, nothingFound } from "./hot.js";

/**
 * A store that remembers what it has lately committed, so that turns, watchers and clients of Tasks that
 * are being worked on read nothing from the disk. For a store that one process writes.
 *
 * Rows are still written under their revision. Whenever a commit fails, everything remembered is
 * forgotten, and the store behind is asked again.
 */
export function remembering(store: Store): Store {
  const hot = new HotTasks();
  return {
    reads: rememberingReads(store.reads, hot),
    boot: () => store.boot(),
    load: (needs) => load(needs, store, hot),

    async commit(turn: Commit): Promise<Committed> {
      try {
        const committed = await store.commit(turn);
        hot.remember(turn, committed);
        return committed;
      } catch (error) {
        hot.forgetAll();
        throw error;
      }
    },

    async removeFinished(before: Instant, limit: number): Promise<readonly TaskId[]> {
      const removed = await store.removeFinished(before, limit);
      for (const taskId of removed) hot.forget(taskId);
      return removed;
    },

    ready: (lane, limit) => store.ready(lane, limit),
    due: (at, limit): Promise<readonly Deadline[]> => store.due(at, limit),
    nextDueAt: () => store.nextDueAt(),
    close: () => store.close(),
  };
}

async function load(needs: Needs, store: Store, hot: HotTasks): Promise<Loaded> {
  const found = nothingFound();
  const inputs = new Map<TaskId, string>();
  const inputHere = (id: TaskId): boolean => {
    const input = hot.input(id);
    if (input !== undefined) inputs.set(id, input);
    return input !== undefined;
  };
  const missing: Needs = {
    keys: needs.keys ?? [],
    wholeTasks: (needs.wholeTasks ?? []).filter((id) => !hot.findWhole(id, found)),
    steps: (needs.steps ?? []).filter((key) => !hot.findStep(key, found)),
    runs: (needs.runs ?? []).filter((id) => !hot.findRun(id, found)),
    inputs: (needs.inputs ?? []).filter((id) => !inputHere(id)),
  };
  const all = Object.values(missing).every((ids: readonly unknown[]) => ids.length === 0);
  return loadedOf(found, inputs, all ? undefined : await store.load(missing));
}

/** Clients' reads: of hot Tasks from memory, of all others from the store. */
function rememberingReads(reads: Reads, hot: HotTasks): Reads {
  return {
    async task(id: TaskId): Promise<TaskDetail | undefined> {
      return hot.detail(id) ?? reads.task(id);
    },
    async output(step: StepKey): Promise<string | undefined> {
      return hot.output(step) ?? reads.output(step);
    },
    async log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice> {
      return hot.log(taskId, afterSeq, maxBytes) ?? reads.log(taskId, afterSeq, maxBytes);
    },
    async logBounds(taskId: TaskId) {
      const last = hot.lastSeq(taskId);
      return last === undefined ? reads.logBounds(taskId) : { earliest: 1, last };
    },
    tasks: (filter, before, pageSize) => reads.tasks(filter, before, pageSize),
  };
}
