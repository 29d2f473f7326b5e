import { expect } from "vitest";
import { explainTask } from "#api/tasks/explain-task";
import { type Request, StoredReads } from "#api/use-case";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { EVERY_NAMESPACE, type PauseScope, scopeText, THE_PLANE, templateScope } from "#domain/pause/pause";
import type { TaskExplanation } from "#domain/task/explanation";
import { NEVER } from "#domain/time/time";
import type { Store } from "#ports/store";
import { seededEntropy, settle } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./bench-plane.js";
import { begin } from "./workflow-bench.js";

export async function explained({ plane }: BenchPlane, id: TaskId): Promise<TaskExplanation> {
  const services = { plane, stored: new StoredReads(plane.reads) };
  const request = { services, caller: LOCAL_CALLER } as unknown as Request;
  const found = await explainTask.find({ id }, request);
  return explainTask.perform({ id }, request, found);
}

const selector = { zone: "eu" };
const eu = { labels: selector };

/** Something that keeps one worker from a Step, and how it is put right. */
interface Obstacle {
  readonly cause: string;
  readonly detail?: string;
  /** Connects the worker. @returns puts it right */
  place(bench: BenchPlane, id: string): Promise<() => Promise<unknown> | unknown>;
}

const reconnects = (bench: BenchPlane, id: string) => () =>
  bench.worker(id, { agents: ["work"], info: eu, instance: `${id}-again` });

/** A worker that holds a Run of the agent, which another Task of its own has given it. */
async function holding(bench: BenchPlane, id: string, options: Parameters<BenchPlane["worker"]>[1]) {
  const only = { zone: "eu", only: id };
  const worker = bench.worker(id, { agents: ["work"], info: { labels: only }, ...options });
  await bench.settle();
  await bench.create({ agentName: "work", workerSelector: { only: id } });
  await bench.settle();
  const { runId } = worker.assigned();
  return { worker, runId };
}

const pause = (bench: BenchPlane, scope: PauseScope) =>
  bench.plane.pause(LOCAL_CALLER, { scope, reason: "new release", until: NEVER });

/** A kind of Task whose only Step is one of the agent "work". */
interface Subject {
  create(bench: BenchPlane): Promise<TaskId>;
  /** What holds its Step back from every worker, the widest first. */
  readonly pausable: readonly PauseScope[];
  /** What is paused beside it, and holds nothing of it back. */
  readonly beside: PauseScope;
}

const wide: readonly PauseScope[] = [
  THE_PLANE,
  { kind: "namespace", namespace: "default", name: "", principal: "" },
];
const agents: readonly PauseScope[] = [
  { kind: "agent", namespace: EVERY_NAMESPACE, name: "work", principal: "" },
  { kind: "agent", namespace: "default", name: "work", principal: "" },
];
const flow = templateScope({ namespace: "default", name: "flow" });

const subjects = {
  agent: {
    create: async (bench) => (await bench.create({ agentName: "work", workerSelector: selector })).task.id,
    pausable: [...wide, ...agents],
    beside: flow,
  },
  template: {
    async create(bench) {
      const steps = [{ name: "first", type: "standard", handler: { callable: "work" } }];
      const body = { name: "flow", namespace_name: "default", version: "1.0.0", steps };
      return (await begin(bench, body as never, { workerSelector: selector })).task.id;
    },
    pausable: [...wide, flow, ...agents],
    beside: templateScope({ namespace: "default", name: "other" }),
  },
} as const satisfies Record<string, Subject>;

const obstacles: readonly Obstacle[] = [
  {
    cause: "AGENT",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["other"], info: eu });
      return reconnects(bench, id);
    },
  },
  {
    cause: "NAMESPACE",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: { ...eu, namespaces: ["elsewhere"] } });
      return reconnects(bench, id);
    },
  },
  {
    cause: "LABELS",
    detail: "zone=eu",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: { labels: { zone: "us" } } });
      return reconnects(bench, id);
    },
  },
  {
    cause: "DRAINING",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: eu });
      await bench.settle();
      await bench.plane.drainWorker(LOCAL_CALLER, id as never, "maintenance");
      return reconnects(bench, id);
    },
  },
  {
    cause: "FAILING",
    place: async (bench, id) => {
      const worker = bench.worker(id, { agents: ["work"], info: eu });
      await bench.settle();
      await worker.alive({ status: "ERROR" });
      await bench.settle();
      return () => worker.alive({ status: "IDLE" });
    },
  },
  {
    cause: "PAUSED",
    detail: "by local: new release",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: eu });
      await bench.settle();
      const scope = { kind: "worker", namespace: "", name: id, principal: "local" } as const;
      await pause(bench, scope);
      return () => bench.plane.resume(LOCAL_CALLER, scope);
    },
  },
  {
    cause: "SLOTS",
    detail: "1 of 1",
    place: async (bench, id) => {
      const { worker, runId } = await holding(bench, id, { capacity: 1 });
      return () => worker.report(runId, "COMPLETED");
    },
  },
  {
    cause: "AGENT_SLOTS",
    detail: "1 of 1",
    place: async (bench, id) => {
      const announced = { work: { concurrency: 1 } };
      const { worker, runId } = await holding(bench, id, { announced });
      return () => worker.report(runId, "COMPLETED");
    },
  },
  {
    cause: "GONE",
    place: async (bench, id) => {
      const { worker, runId } = await holding(bench, id, { capacity: 2 });
      worker.link.closed();
      await bench.settle();
      const instance = `${id}-1`;
      const labels = { zone: "eu", only: id };
      return () =>
        bench.worker(id, {
          agents: ["work"],
          info: { labels },
          instance,
          capacity: 2,
          resume: [{ runId, fence: 1, nextSeq: 0 }],
        });
    },
  },
];

export const hasRun = async (bench: BenchPlane, id: TaskId) =>
  (await bench.plane.reads.task(id))?.steps[0]?.state === "in_progress";

/** One pause after the other is told, and ended by the command that is told with it. */
async function expectPaused(bench: BenchPlane, id: TaskId, paused: readonly PauseScope[], what: string) {
  for (const [i, scope] of paused.entries()) {
    const { steps, actions } = await explained(bench, id);
    const more = paused.length - i - 1;
    const detail = `${scopeText(scope)} is paused by local: new release${more > 0 ? ` (and ${more} more)` : ""}`;
    expect([steps[0]?.cause, steps[0]?.detail], what).toEqual(["PAUSED", detail]);
    expect(actions[0]?.effect, what).toBe(`gives ${scopeText(scope)} to workers again`);
    expect(await hasRun(bench, id), what).toBe(false);
    await bench.plane.resume(LOCAL_CALLER, scope);
    await bench.settle();
  }
}

/** A plane of its own for each situation, and how it ends. */
type OpenSituation = (number: number) => Promise<{ readonly bench: BenchPlane; close(): Promise<void> }>;

/**
 * Generates situations in which a Step of a Task of one agent, or of a template, does not run: workers that each lack something, and
 * pauses of what it is in. Every worker says what is wrong with it; the Step runs once that is put right for one of them, and nothing
 * that it is in is paused any more.
 */
export async function expectExplained(count: number, open: OpenSituation): Promise<void> {
  const dice = seededEntropy(7, () => 1_000_000 as never);
  for (let situation = 0; situation < count; situation += 1) {
    const { bench, close } = await open(situation);
    const subject: Subject = subjects[dice.draw() < 0.5 ? "agent" : "template"];
    const drawn = Array.from({ length: 1 + Math.floor(dice.draw() * 4) }, (_, i) => {
      const obstacle = obstacles[Math.floor(dice.draw() * obstacles.length)] as Obstacle;
      return { obstacle, id: `w${i}` };
    });
    const mends: (() => unknown)[] = [];
    for (const { obstacle, id } of drawn) mends.push(await obstacle.place(bench, id));
    await bench.settle();
    const paused = subject.pausable.filter(() => dice.draw() < 0.2);
    for (const scope of [subject.beside, ...paused]) await pause(bench, scope);
    const id = await subject.create(bench);
    await bench.settle();
    const what = `situation ${situation}: ${drawn.map(({ obstacle }) => obstacle.cause)}`;
    await expectPaused(bench, id, paused, what);
    await expectRefused(bench, id, drawn, what);
    expect(await hasRun(bench, id), what).toBe(false);

    await mends[Math.floor(dice.draw() * mends.length)]?.();
    await bench.settle();
    await bench.clock.advance(1);
    await bench.settle();
    expect(await hasRun(bench, id), what).toBe(true);
    expect((await explained(bench, id)).steps, what).toEqual([]);
    await close();
  }
}

/** The Step waits for a worker, and every worker says what is wrong with it. */
async function expectRefused(
  bench: BenchPlane,
  id: TaskId,
  drawn: readonly { readonly obstacle: Obstacle; readonly id: string }[],
  what: string,
) {
  const { steps } = await explained(bench, id);
  const [step] = steps;
  expect([step?.cause, step?.place], what).toEqual(["WORKER", 1]);
  const said = new Map(
    step?.workers.map(({ workerId, cause, detail }) => [String(workerId), [cause, detail]]),
  );
  for (const { obstacle, id } of drawn) {
    expect(said.get(id), `${what}, worker ${id}`).toEqual([obstacle.cause, obstacle.detail ?? ""]);
  }
}

/** Over a store whose answers take real time, while the plane goes by a virtual clock. @param close ends what is behind the store */
export async function situationOver(
  store: Store,
  seed: number,
  close: () => Promise<void>,
): Promise<Awaited<ReturnType<OpenSituation>>> {
  const { counted, idle } = counting(store);
  const bench = await startBench(counted, { seed, audit: false });
  return {
    bench: { ...bench, settle: idle },
    async close() {
      await bench.supervisor.stop();
      await close();
    },
  };
}

/** The store, and a promise that nothing is asked of it any more. */
function counting(store: Store): { readonly counted: Store; idle(): Promise<void> } {
  let underway = 0;
  const through = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name, of);
        if (name === "reads") return through(value as object);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const answer: unknown = value.apply(of, args);
          if (!(answer instanceof Promise)) return answer;
          underway += 1;
          const over = () => {
            underway -= 1;
          };
          answer.then(over, over);
          return answer;
        };
      },
    });
  const idle = async () => {
    for (let quiet = 0; quiet < 4; ) {
      await settle();
      quiet = underway === 0 ? quiet + 1 : 0;
    }
  };
  return { counted: through(store), idle };
}
