import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault, type FaultCode } from "#domain/fault";
import type { Commit, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { sqliteStore } from "#stores/sqlite/index";

type Verb = "load" | "commit" | "ready" | "due" | "nextDueAt" | "removeFinished";

/** A store that does as it is told: counts, refuses, waits. */
export interface StoreDouble extends Store {
  /** How often each verb was called. */
  readonly calls: Record<Verb, number>;
  readonly statements: number;
  /** Asked before each commit: a Fault refuses it, undefined lets it pass. */
  refuse: (turn: Commit) => Error | undefined;
  /** Every commit that was tried. */
  readonly tried: Commit[];
  /** Commits wait until the returned function is called. */
  block(): () => void;
}

export function storeDouble(store: Store = memoryStore()): StoreDouble {
  const calls = { load: 0, commit: 0, ready: 0, due: 0, nextDueAt: 0, removeFinished: 0 };
  let gate: Promise<void> | undefined;
  const double: StoreDouble = {
    reads: store.reads,
    calls,
    get statements() {
      return Object.values(calls).reduce((sum, count) => sum + count, 0);
    },
    refuse: () => undefined,
    tried: [],
    block: () => {
      let open = () => {};
      gate = new Promise<void>((resolve) => {
        open = () => {
          gate = undefined;
          resolve();
        };
      });
      return () => open();
    },
    boot: () => store.boot(),
    load: (needs) => {
      calls.load += 1;
      return store.load(needs);
    },
    commit: async (turn) => {
      calls.commit += 1;
      double.tried.push(turn);
      if (gate) await gate;
      const refusal = double.refuse(turn);
      if (refusal) throw refusal;
      return store.commit(turn);
    },
    ready: (lane, limit) => {
      calls.ready += 1;
      return store.ready(lane, limit);
    },
    due: (at, limit) => {
      calls.due += 1;
      return store.due(at, limit);
    },
    nextDueAt: () => {
      calls.nextDueAt += 1;
      return store.nextDueAt();
    },
    removeFinished: (...args) => {
      calls.removeFinished += 1;
      return store.removeFinished(...args);
    },
    close: () => store.close(),
  };
  return double;
}

/** Refuses the next `count` commits with this code. */
export function refuseNext(double: StoreDouble, code: FaultCode, count = 1): void {
  let left = count;
  double.refuse = () => (left-- > 0 ? new Fault(code, `the test says ${code}`) : undefined);
}

/** The stores a scenario is told over; `reopen` is what a new process finds. */
export const stores = [
  {
    name: "memory",
    make: () => {
      const store = memoryStore();
      return { store, reopen: async () => store };
    },
  },
  {
    name: "sqlite",
    make: () => {
      const path = join(mkdtempSync(join(tmpdir(), "taskrun-")), "plane.db");
      const open = () => sqliteStore({ path, threads: false, reserveBytes: 0 });
      const store = open();
      return {
        store,
        reopen: async () => {
          await store.close();
          return open();
        },
      };
    },
  },
] as const satisfies readonly {
  name: string;
  make: () => { store: Store; reopen: () => Promise<Store> };
}[];
