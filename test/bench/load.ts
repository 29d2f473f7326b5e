/**
 * The load generator, a process of its own. It sees completion as a client does: by the terminal event of the
 * task's watch, which the server sends only after the commit.
 */
import { type TaskEvent, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { ownAccess } from "./access.js";
import { answer } from "./child.js";
import { keepGoing } from "./keep-going.js";
import {
  type AwaitWay,
  agents,
  BACKLOG_NAMESPACE,
  type Flow,
  type LoadOrder,
  type LoadResult,
} from "./load-words.js";
import { Rpc } from "./rpc.js";

/** Watches open at a time on the one connection; the server allows 100 streams. */
const WATCHES = 90;

const addr = process.argv[2] ?? "";
const access = ownAccess();
const rpc = new Rpc(addr, access);
/** Connections, the first included, for more tasks in flight than one has streams for. */
const rpcs = [rpc];

function rpcsFor(inFlight: number): readonly Rpc[] {
  while (rpcs.length * WATCHES < inFlight) rpcs.push(new Rpc(addr, access));
  return rpcs.slice(0, Math.ceil(inFlight / WATCHES));
}

answer<LoadOrder, LoadResult>((order) => {
  switch (order.type) {
    case "single":
      return oneByOne({ agentName: agents.nothing }, order.inFlight, order.ms);
    case "await":
      return oneByOne({ agentName: agents.nothing }, order.inFlight, order.ms, order.way);
    case "workflow":
      return oneByOne(requestFor(order.flow), order.inFlight, order.ms);
    case "batch":
      return batches(order.size, order.lanes, order.ms);
    case "chunks":
      return chunks(order.tasks, order.chunks, order.bytes);
    case "steps":
      return steps(order.tasks, order.steps);
    case "backlog":
      return backlog(order.count);
  }
});

function requestFor({ namespace, name, inputJson }: Flow): Wanted {
  return { namespace, template: { namespace, name, version: "" }, inputJson };
}

/** Each task created alone and awaited. */
function oneByOne(
  wanted: Wanted,
  inFlight: number,
  ms: number,
  way: AwaitWay = "watch",
): Promise<LoadResult> {
  const connections = rpcsFor(inFlight);
  return keepGoing(inFlight, ms, (lane) => {
    return toItsEnd(connections[lane % connections.length] ?? rpc, wanted, way);
  });
}

async function toItsEnd(own: Rpc, wanted: Wanted, way: AwaitWay): Promise<void> {
  if (way === "watch") {
    const { id } = await own.unary(TaskService.method.createTask, wanted);
    return watchToEnd(id, () => {}, own);
  }
  const { id, status, outputJson } = await own.unary(TaskService.method.runTask, { task: wanted });
  if (status !== COMPLETED || outputJson === "") throw new Error(`task ${id} ended with status ${status}`);
}

async function batches(size: number, lanes: number, ms: number): Promise<LoadResult> {
  const begin = performance.now();
  let done = 0;

  await inParallel(lanes, async () => {
    while (performance.now() < begin + ms) {
      const ids = await createMany(Array.from({ length: size }, () => ({ agentName: agents.nothing })));
      const next = ids[Symbol.iterator]();
      await inParallel(Math.floor(WATCHES / lanes), async () => {
        for (const id of next) {
          await watchToEnd(id);
          done += 1;
        }
      });
    }
  });
  return { done, ms: performance.now() - begin, latencies: [] };
}

async function chunks(tasks: number, perTask: number, bytes: number): Promise<LoadResult> {
  const inputJson = JSON.stringify({ chunks: perTask, bytes });
  const begin = performance.now();
  let done = 0;

  await inParallel(tasks, async () => {
    const { id } = await rpc.unary(TaskService.method.createTask, { agentName: agents.chatter, inputJson });
    await watchToEnd(id, ({ event }) => {
      if (event.case === "output") done += 1;
    });
  });
  return { done, ms: performance.now() - begin, latencies: [] };
}

async function steps(tasks: number, perTask: number): Promise<LoadResult> {
  const begin = performance.now();
  const task = { agentName: agents.stepper, inputJson: JSON.stringify({ steps: perTask }) };
  await inParallel(tasks, () => toItsEnd(rpc, task, "run"));
  return { done: tasks * perTask, ms: performance.now() - begin, latencies: [] };
}

async function backlog(count: number): Promise<LoadResult> {
  const begin = performance.now();
  for (let left = count; left > 0; left -= 1_000) {
    const tasks = Array.from({ length: Math.min(left, 1_000) }, () => {
      return { agentName: agents.nobody, namespace: BACKLOG_NAMESPACE, inputJson: '{"query": "help"}' };
    });
    await createMany(tasks);
  }
  return { done: count, ms: performance.now() - begin, latencies: [] };
}

interface Wanted {
  readonly agentName?: string;
  readonly template?: { readonly namespace: string; readonly name: string; readonly version: string };
  readonly namespace?: string;
  readonly inputJson?: string;
}

async function createMany(tasks: readonly Wanted[]): Promise<string[]> {
  const { results } = await rpc.unary(TaskService.method.batchCreateTasks, { tasks: [...tasks] });
  return results.map(({ result }) => {
    if (result.case === "task") return result.value.id;
    throw new Error(`a task of the batch was refused: ${result.value?.message}`);
  });
}

/** Resolves at the task's terminal event. */
function watchToEnd(id: string, see: (event: TaskEvent) => void = () => {}, own: Rpc = rpc): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = own.serverStream(TaskService.method.watchTask, { id });
    let status = 0;
    stream.on("data", (taskEvent: TaskEvent) => {
      see(taskEvent);
      const { event } = taskEvent;
      if (event.case === "taskChanged" && event.value.finishedAtMs > 0n) status = event.value.status;
    });
    stream.on("error", reject);
    stream.on("end", () => {
      if (status === COMPLETED) resolve();
      else reject(new Error(`task ${id} ended with status ${status}, not COMPLETED`));
    });
  });
}

const COMPLETED = 3;

async function inParallel(count: number, each: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, each));
}
