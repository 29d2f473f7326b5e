/** A load of tasks, all that its clients were told about them, and whether the server still says the same. */
import { expect } from "vitest";
import { hasEnded, type Task, type TaskEvent, type TaskRunClient, TaskRunError } from "#client/index";
import { expectWholeStory } from "./content.js";
import { pause, type Trace, until } from "./harness.js";

/** After the last fault everything must come to its end: leases, backoff, and a busy machine. */
export const SETTLE_MS = 120_000;

/** Uniform in [0, 1), the same for the same seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** All that clients were told, which the server must still know after any number of deaths. */
export class Ledger {
  readonly ids = new Map<string, string>();
  readonly cancelled = new Set<string>();
  readonly seen: { readonly runId: string; readonly fence: number; readonly taskId: string }[] = [];
  readonly watched = new Map<string, TaskEvent[]>();
  /** Tasks made of {@link flowTemplate}. */
  readonly flows = new Set<string>();
  readonly #client: TaskRunClient;
  readonly #random: () => number;
  readonly #insists: boolean;
  readonly #watchers: Promise<void>[] = [];
  /** When the last fault was over. */
  #calmSince = Number.POSITIVE_INFINITY;

  /** @param options.insists False: a call that is refused fails the test, whatever the client itself has tried */
  constructor(client: TaskRunClient, random: () => number, { insists = true } = {}) {
    this.#client = client;
    this.#random = random;
    this.#insists = insists;
  }

  /** From now on nothing is killed any more, and every call has to be answered in time. */
  calm(): void {
    this.#calmSince = Date.now();
  }

  /** Creates a task, whatever it takes; then perhaps asks again, watches it, cancels it. */
  async task(key: string): Promise<void> {
    const random = this.#random;
    const chunks = Math.floor(random() * 6);
    const delayMs = Math.floor(random() * 40);
    const often = { maxAttempts: 50, maxLosses: 100 };
    const request = { agent: "writer", input: { chunks, delayMs }, idempotencyKey: key, ...often };
    const [repeats, watches, cancels] = [random() < 0.3, random() < 0.6, random() < 0.25];
    const { id } = await this.#insist(() => this.#client.tasks.create(request));
    this.ids.set(key, id);
    if (watches) this.#watchers.push(this.#watch(id));
    if (repeats) {
      const again = await this.#insist(() => this.#client.tasks.create(request));
      expect(again.id, `key ${key} makes one task`).toBe(id);
    }
    if (cancels) await this.#insist(() => this.#cancel(id));
  }

  /** Creates a task of {@link flowTemplate}, perhaps watches it, and signals it once. */
  async flow(key: string): Promise<void> {
    const often = { maxAttempts: 50, maxLosses: 100 };
    const input = { items: Array.from({ length: 8 }, (_, i) => ({ chunks: i % 3, delayMs: 5 })) };
    const request = { template: { name: "flow" }, input, idempotencyKey: key, ...often };
    const { id } = await this.#insist(() => this.#client.tasks.create(request));
    this.ids.set(key, id);
    this.flows.add(id);
    if (this.#random() < 0.6) this.#watchers.push(this.#watch(id));
    await pause(this.#random() * 1_000);
    await this.#insist(() => this.#signal(id, key));
  }

  /** A signal whose answer was lost has been taken: a second one is refused. */
  async #signal(id: string, by: string): Promise<void> {
    try {
      await this.#client.tasks.signal(id, "go", { by });
    } catch (error) {
      if (!(error instanceof TaskRunError) || error.code !== "FAILED_PRECONDITION") throw error;
    }
  }

  async #cancel(id: string): Promise<void> {
    try {
      const task = await this.#client.tasks.cancel(id);
      expect(task.status).toBe("CANCELLED");
      this.cancelled.add(id);
    } catch (error) {
      if (!(error instanceof TaskRunError) || error.code !== "FAILED_PRECONDITION") throw error;
    }
  }

  async #watch(id: string): Promise<void> {
    const events: TaskEvent[] = [];
    this.watched.set(id, events);
    for await (const event of this.#client.tasks.watch(id, { failuresMax: 1_000 })) events.push(event);
  }

  /** Repeats a call while nobody answers: a server that is killed again and again may have no time for it. */
  async #insist<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const away =
          error instanceof TaskRunError && ["UNAVAILABLE", "DEADLINE_EXCEEDED"].includes(error.code);
        if (!this.#insists || !away || Date.now() > this.#calmSince + SETTLE_MS) throw error;
        await pause(20);
      }
    }
  }

  async watchersDone(): Promise<void> {
    await Promise.all(this.#watchers);
  }
}

/** Once all watchers are done: nothing that was acknowledged, seen or begun is missing or has changed. */
export async function check(ledger: Ledger, client: TaskRunClient, traces: readonly Trace[]): Promise<void> {
  const ids = [...ledger.ids.values()];
  expect(new Set(ids).size, "a key, a task").toBe(ledger.ids.size);
  const tasks = new Map<string, Task>();
  for (const id of ids) {
    tasks.set(
      id,
      await until(
        `${id} ends`,
        async () => {
          const task = await client.tasks.get(id);
          return hasEnded(task) && task;
        },
        SETTLE_MS,
      ),
    );
  }
  const listed: string[] = [];
  for await (const { id } of client.tasks.list({ pageSize: 1_000 })) listed.push(id);
  expect(listed.toSorted(), "no task that nobody asked for").toEqual(ids.toSorted());

  for (const id of ids) {
    const events: TaskEvent[] = [];
    for await (const event of client.tasks.watch(id)) events.push(event);
    expectWholeStory(events);
    const live = ledger.watched.get(id);
    if (live) expect(live, "who watched live, over the deaths, saw the same").toEqual(events);
    const task = tasks.get(id) as Task;
    if (ledger.flows.has(id)) expectFlow(task);
    else expectResult(task, events);
  }
  for (const id of ledger.cancelled) expect(tasks.get(id)?.status, `${id} was cancelled`).toBe("CANCELLED");
  for (const { runId, fence, taskId } of ledger.seen) {
    expect(tasks.get(taskId)?.runs, `run ${runId} was seen`).toContainEqual(
      expect.objectContaining({ id: runId, fence }),
    );
  }
  for (const { runId, taskId } of traces) {
    expect(
      tasks.get(taskId)?.runs.map(({ id }) => id),
      `run ${runId} was begun`,
    ).toContain(runId);
  }
}

/** A completed task has the result and the output of the one run that completed, and whole. */
function expectResult(task: Task, events: readonly TaskEvent[]): void {
  if (task.status === "CANCELLED") return;
  expect(task).toMatchObject({ status: "COMPLETED" });
  const completed = task.runs.filter(({ status }) => status === "COMPLETED");
  expect(completed).toHaveLength(1);
  const { chunks } = JSON.parse(task.inputJson) as { chunks: number };
  const [run] = completed;
  expect(JSON.parse(task.outputJson)).toEqual({ runId: run?.id, chunks });
  const written = events.filter((event) => event.type === "output" && event.output.runId === run?.id);
  expect(written).toHaveLength(chunks);
}

/** Agents, a map, a timer and a signal, one after the other. */
export const flowTemplate = JSON.stringify({
  name: "flow",
  namespace_name: "default",
  version: "1.0.0",
  steps: [
    {
      name: "each",
      type: "map",
      handler: { callable: "member" },
      map: { over: "input/items", concurrency: 4 },
    },
    { name: "rest", type: "timer", dependencies: ["each"], timer: { delay_ms: 300 } },
    { name: "go", type: "signal", dependencies: ["rest"], signal: { timeout_ms: 86_400_000 } },
    { name: "last", handler: { callable: "writer" }, dependencies: ["go"], input: { chunks: 2 } },
  ],
});

/** Every Step has come to its end by one Run, and the signal was taken once. */
function expectFlow(task: Task): void {
  expect(task, task.errorMessage).toMatchObject({ status: "COMPLETED" });
  for (const { name, state } of task.steps) expect({ name, state }).toEqual({ name, state: "complete" });
  const completed = task.runs.filter(({ status }) => status === "COMPLETED").map(({ stepName }) => stepName);
  expect(new Set(completed).size, "a Step completes by one Run").toBe(completed.length);
  expect(completed, "eight members and the last step").toHaveLength(9);
}
