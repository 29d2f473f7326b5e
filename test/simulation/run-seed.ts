import type { Inspection } from "#ports/inspection";
import { checkEnd, checkMemory, unfinished } from "./end.js";
import { EvilWorker } from "./evil-worker.js";
import { BrokenPromise } from "./mirror.js";
import { pass, storm } from "./passing.js";
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

  if (!ended()) throw new BrokenPromise(`not over: ${unfinished(world, world.up?.supervisor)}`);
  await checkEnd({ world, client, honest, store: world.durable });
  checkMemory(world.up?.supervisor.core.memory);
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
