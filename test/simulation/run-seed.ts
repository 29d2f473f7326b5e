import type { RunId } from "#domain/id";
import { isOver } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { Inspection } from "#ports/inspection";
import type { Store } from "#ports/store";
import type { Memory } from "#runtime/memory/memory";
import { EvilWorker } from "./evil-worker.js";
import { BrokenPromise, type Mirror } from "./mirror.js";
import { SimClient } from "./sim-client.js";
import { SimWorker } from "./sim-worker.js";
import { World } from "./world.js";

/** How long the faults last. */
const STORM_MS = 120_000;
/** After the storm everything must be over in this time: attempts × (run + lease + backoff), with room. */
const CALM_MS = 1_800_000;

export interface Lived {
  readonly trace: string;
  readonly tasks: number;
  readonly runs: number;
  /** What came to pass in it: a storm that never loses a worker proves nothing about losing one. */
  readonly marks: readonly string[];
}

/**
 * Lives through one world, from the first request to the end of the last Task, and holds it to the promises.
 *
 * @param inspect who is told what each process of the plane decides
 * @throws what was broken, with the seed and the last lines of the trace
 */
export async function runSeed(seed: number, inspect?: (world: World) => Inspection): Promise<Lived> {
  const world = new World(seed, inspect);
  try {
    return await live(world);
  } catch (error) {
    const weather = JSON.stringify(world.weather);
    throw new Error(`seed ${seed}: ${String(error)}\n${weather}\n${world.lastNotes.join("\n")}`, {
      cause: error,
    });
  }
}

async function live(world: World): Promise<Lived> {
  const { weather, dice, mirror, clock } = world;
  await boot(world);
  const honest = [new SimWorker(world, "w1", 1), new SimWorker(world, "w2", 1)];
  if (weather.publicWorker) honest.push(new SimWorker(world, "w3", 0));
  const evil = weather.evil ? new EvilWorker(world, honest) : undefined;
  const client = new SimClient(world);
  for (const worker of honest) world.after(dice.between(0, 5_000), () => worker.start());
  evil?.start();
  client.begin();
  for (const worker of honest) {
    storm(world, weather.workerCrashEveryMs, () => worker.crash());
    storm(world, weather.workerPauseEveryMs, () => worker.pause(dice.between(1_000, 100_000)));
    storm(world, weather.cutEveryMs, () => worker.cut());
  }
  storm(world, weather.planeKillEveryMs, () => killAndRestart(world));

  await pass(world, STORM_MS);
  world.faulty = false;
  evil?.leave();
  const ended = () => !client.waiting && [...mirror.tasks.keys()].every((id) => world.taskEnded(id));
  const until = clock.now() + CALM_MS;
  while (clock.now() < until && !(ended() && world.up)) await pass(world, 5_000);
  await pass(world, 150_000); // the last holders let go, at the latest when their leases end

  if (!ended()) throw new BrokenPromise(`not over: ${unfinished(world)}`);
  await checkEnd(world, client, honest);
  const marks = [...mirror.marks].sort();
  return { trace: world.trace, tasks: mirror.tasks.size, runs: mirror.runs.size, marks };
}

async function boot(world: World): Promise<void> {
  let up = false;
  void world.start().then(() => {
    up = true;
  });
  while (!up) await world.clock.advance(10);
}

function killAndRestart(world: World): void {
  if (!world.up) return; // it is down already
  world.kill();
  world.after(world.dice.between(10, world.dice.chance(0.2) ? 60_000 : 3_000), () => void world.start());
}

/** Now and then, while the storm lasts. */
function storm(world: World, everyMs: number, strike: () => void): void {
  if (!Number.isFinite(everyMs)) return;
  const wait = Math.ceil(-Math.log(1 - world.dice.draw()) * everyMs);
  world.after(wait, () => {
    if (!world.faulty) return;
    strike();
    storm(world, everyMs, strike);
  });
}

/** Time goes by; stops at the first broken promise. */
async function pass(world: World, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    await world.clock.advance(Math.min(left, 1_000));
    if (world.broken) throw world.broken;
  }
}

async function checkEnd(world: World, client: SimClient, honest: readonly SimWorker[]): Promise<void> {
  const { mirror, up, inner } = world;
  const stillHeld = [...mirror.runs.values()].filter(({ heldBy }) => heldBy !== "");
  broke(stillHeld.length === 0, `still held: ${stillHeld.map(({ id }) => id).join(" ")}`);
  broke(
    [...mirror.runs.values()].every(({ status }) => isOver(status)),
    "a run never ended",
  );
  const asked = [...mirror.tasks.values()].filter(({ spec }) => !spec.parent && spec.compensates === "");
  broke(new Set(client.created.values()).size === asked.length, "a task was made twice, or one is missing");
  for (const taskId of client.cancelled) mirror.checkCancelled(taskId);

  for (const { taskId, entries, ended } of client.watched) {
    broke(ended, `a watcher of ${taskId} never saw the end`);
    const log = mirror.logs.get(taskId) ?? [];
    broke(JSON.stringify(entries) === JSON.stringify(log), `a watcher of ${taskId} saw another story`);
  }
  const results = new Map(honest.flatMap((worker) => [...worker.results]));
  for (const step of mirror.steps.values()) await checkResult(step, results, mirror, inner);
  checkMemory(up?.supervisor.core.memory);
}

/** A Step that is done has the result of the one Run that completed, and no Step has two. */
async function checkResult(
  { taskId, name, state, agentName, spec }: StepRow,
  results: ReadonlyMap<RunId, string>,
  { runs, evil }: Mirror,
  { reads }: Store,
): Promise<void> {
  if (agentName === "" || spec.type === "map") return;
  const own = [...runs.values()].filter((run) => run.taskId === taskId && run.stepName === name);
  const accepted = own.filter(({ status, reason }) => status === "COMPLETED" && reason === "");
  const [run] = accepted;
  // What compensates a Run that proves declined has nothing to do.
  if (state === "complete" && !spec.compensates?.isUnsure)
    broke(accepted.length === 1, `${name} of ${taskId} has ${accepted.length} results`);
  broke(accepted.length <= 1, `${name} of ${taskId} has ${accepted.length} results`);
  if (!run || evil.has(run.id)) return;
  const result = await reads.output({ taskId, stepName: name });
  broke(result === results.get(run.id), `${name} of ${taskId} has the result ${result}`);
}

/** When nothing is left to do, memory must hold nothing: no slot, no lane, no waiting Task has leaked. */
function checkMemory(memory: Memory | undefined): void {
  broke(memory, "the plane is down");
  broke(memory.roster.heldCount === 0, `${memory.roster.heldCount} slots have leaked`);
  broke(memory.waiting === 0, `${memory.waiting} tasks seem to wait`);
  broke(memory.backlog.size === 0, `${memory.backlog.size} lanes have leaked`);
}

function broke(kept: unknown, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

function unfinished(world: World): string {
  const { mirror, up } = world;
  const open = [...mirror.tasks.values()].filter(({ id }) => !world.taskEnded(id));
  const lines = open.map(({ id, state }) => {
    const steps = [...mirror.steps.values()].filter(({ taskId }) => taskId === id);
    const runs = [...mirror.runs.values()].filter(({ taskId }) => taskId === id);
    const held = runs.map(({ status, heldBy }) => `${status}${heldBy && " held"}`);
    return `${id} ${state}, ${steps.map((step) => step.state)}: ${held.join(", ")}`;
  });
  const memory = up?.supervisor.core.memory;
  const workers = memory?.roster.rows().map((row) => `${row.info.workerId} ${row.state} ${row.capacity}`);
  return [...lines, `workers: ${workers}`, `lanes: ${JSON.stringify(memory?.backlog.views())}`].join("; ");
}
