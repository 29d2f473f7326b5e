import { checkEnd, checkMemory, unfinished } from "../end.js";
import { EvilWorker } from "../evil-worker.js";
import { BrokenPromise } from "../mirror.js";
import { pass, storm } from "../passing.js";
import type { Lived } from "../run-seed.js";
import { SimClient } from "../sim-client.js";
import { SimWorker } from "../sim-worker.js";
import { Contest } from "./contest.js";
import { Promptness } from "./promptness.js";
import type { NodesWeather } from "./weather.js";
import { NodesWorld } from "./world.js";

/** How long the faults last. */
const STORM_MS = 40_000;
/** After the storm everything must be over in this time: attempts × (run + lease + backoff), with room. */
const CALM_MS = 1_800_000;
/** After everything is over the last holders let go, at the latest when their leases end, and the last watchers have read it. */
const LETTING_GO_MS = 200_000;
/** Two polls, and the calls before and after them. */
const POLLED_MS = 12_000;

/**
 * Lives through one world of several nodes, from the first request to the end of the last Task, and holds it to the promises.
 *
 * @param given what of the weather is not left to chance
 * @throws what was broken, with the seed and the last lines of the trace
 */
export async function runNodesSeed(seed: number, given: Partial<NodesWeather> = {}): Promise<Lived> {
  const world = new NodesWorld(seed, given);
  try {
    return await live(world);
  } catch (error) {
    const weather = JSON.stringify(world.weather);
    throw new Error(`seed ${seed}: ${String(error)}\n${weather}\n${world.lastNotes.join("\n")}`, {
      cause: error,
    });
  }
}

async function live(world: NodesWorld): Promise<Lived> {
  const { weather, dice, mirror, clock } = world;
  await boot(world);
  const honest = [new SimWorker(world, "w1", 1), new SimWorker(world, "w2", 1)];
  if (weather.publicWorker) honest.push(new SimWorker(world, "w3", 0));
  const evil = weather.evil ? new EvilWorker(world, honest) : undefined;
  const client = new SimClient(world, STORM_MS / 2);
  const contest = new Contest(world, STORM_MS);
  for (const worker of honest) world.after(dice.between(0, 5_000), () => worker.start());
  evil?.start();
  client.begin();
  contest.begin();
  strike(world, honest);

  await pass(world, STORM_MS);
  world.faulty = false;
  evil?.leave();
  const promptness = new Promptness(world, honest, client);
  const ended = () =>
    !client.waiting && !contest.waiting && [...mirror.tasks.keys()].every((id) => world.taskEnded(id));
  const until = clock.now() + CALM_MS;
  while (clock.now() < until && !ended()) await pass(world, 1_000, promptness.look);
  if (!ended()) throw new BrokenPromise(`not over: ${unfinished(world, world.live[0]?.supervisor)}`);
  const held = () => [...mirror.runs.values()].some(({ heldBy }) => heldBy !== "");
  const isOver = () => !held() && client.watched.every((watch) => watch.ended);
  const letGo = clock.now() + LETTING_GO_MS;
  while (clock.now() < letGo && !isOver()) await pass(world, 1_000, promptness.look);
  // What each node remembers of the others' work is gone after its next poll but one: the answer to the next may be on its way.
  for (let wellMs = 0; wellMs < POLLED_MS; wellMs = world.isWell ? wellMs + 1_000 : 0)
    await pass(world, 1_000, promptness.look);

  contest.check();
  await checkEnd({ world, client, honest, store: world.durable });
  for (const { supervisor } of world.live) checkMemory(supervisor.core.memory);
  const marks = [...mirror.marks].sort();
  return { trace: world.trace, tasks: mirror.tasks.size, runs: mirror.runs.size, marks };
}

async function boot(world: NodesWorld): Promise<void> {
  for (let machine = 0; machine < world.machines; machine += 1) void world.start(machine);
  while (world.live.length < world.machines && !world.broken) await pass(world, 1_000);
}

/** What befalls workers, machines, store and broker, for as long as the storm lasts. */
function strike(world: NodesWorld, honest: readonly SimWorker[]): void {
  const { weather, dice } = world;
  for (const worker of honest) {
    storm(world, weather.workerCrashEveryMs, () => worker.crash());
    storm(world, weather.workerPauseEveryMs, () => worker.pause(dice.between(1_000, 60_000)));
    storm(world, weather.cutEveryMs, () => worker.cut());
  }
  for (let machine = 0; machine < world.machines; machine += 1) {
    storm(world, weather.nodeKillEveryMs, () => world.kill(machine));
    storm(world, weather.nodePauseEveryMs, () => world.at(machine)?.pause(dice.between(500, 40_000)));
    storm(world, weather.storeCutEveryMs, () => world.at(machine)?.cutFromStore(dice.between(100, 30_000)));
    storm(world, weather.brokerCutEveryMs, () => world.at(machine)?.cutFromBroker(dice.between(100, 30_000)));
  }
  if (weather.storeGone) storeGoes(world);
}

function storeGoes(world: NodesWorld): void {
  const { dice } = world;
  world.after(dice.between(5_000, 10_000), () => {
    if (!world.faulty) return;
    world.storeGoneUntil = world.clock.now() + dice.between(0, 2_000);
    storeGoes(world);
  });
}
