import { Fault } from "#domain/fault";
import type { Commit, Committed, Reads, Store } from "#ports/store";
import type { Life } from "../runtime/kit/mortal.js";
import type { Mirror } from "./mirror.js";
import type { World } from "./world.js";

/**
 * The store of a simulated world: takes its time, is slow now and then, refuses commits, and is watched by
 * the mirror. What is under way when its process dies may land, but not once another process has begun.
 */
export function simStore(inner: Store, world: World, mirror: Mirror, life: Life): Store {
  const { weather, dice } = world;
  const { births } = world;
  const takesTime = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await world.sleep(dice.between(0, weather.storeMs));
    if (!life.alive && (world.births !== births || dice.chance(0.5))) return new Promise(() => {});
    const result = await work();
    await world.sleep(dice.between(0, weather.storeMs));
    return result;
  };
  const { reads } = inner;
  const slowReads: Reads = {
    task: (id) => takesTime(() => reads.task(id)),
    tasks: (...args) => takesTime(() => reads.tasks(...args)),
    countReady: (...args) => takesTime(() => reads.countReady(...args)),
    countBefore: (...args) => takesTime(() => reads.countBefore(...args)),
    countHeld: (scope) => takesTime(() => reads.countHeld(scope)),
    queues: (...args) => takesTime(() => reads.queues(...args)),
    lately: (...args) => takesTime(() => reads.lately(...args)),
    lastFailed: (...args) => takesTime(() => reads.lastFailed(...args)),
    run: (id) => takesTime(() => reads.run(id)),
    template: (ref) => takesTime(() => reads.template(ref)),
    templates: (...args) => takesTime(() => reads.templates(...args)),
    input: (id) => takesTime(() => reads.input(id)),
    stepInput: (step) => takesTime(() => reads.stepInput(step)),
    output: (step) => takesTime(() => reads.output(step)),
    journal: (...args) => takesTime(() => reads.journal(...args)),
    usage: (...args) => takesTime(() => reads.usage(...args)),
    stepActions: (step) => takesTime(() => reads.stepActions(step)),
    log: (...args) => takesTime(() => reads.log(...args)),
    logBounds: (id) => takesTime(() => reads.logBounds(id)),
    deadLetters: {
      get: (...args) => takesTime(() => reads.deadLetters.get(...args)),
      list: (...args) => takesTime(() => reads.deadLetters.list(...args)),
      queue: (...args) => takesTime(() => reads.deadLetters.queue(...args)),
      count: (...args) => takesTime(() => reads.deadLetters.count(...args)),
    },
  };

  const commit = async (turn: Commit): Promise<Committed> => {
    if (world.faulty && dice.chance(weather.commitFails)) {
      const code = dice.pick(["conflict", "disk_full", "overloaded"] as const);
      world.note(`commit refused: ${code}`);
      throw new Fault(code, "the weather is bad");
    }
    const committed = await inner.commit(turn);
    world.note(`commit ${turn.tasks.length} ${turn.steps.length} ${turn.runs.length} ${turn.log.length}`);
    world.check(() => mirror.apply(turn));
    return committed;
  };

  return {
    reads: slowReads,
    boot: () => inner.boot(),
    load: (needs) => takesTime(() => inner.load(needs)),
    commit: async (turn) => {
      if (dice.chance(weather.slowCommit)) await world.sleep(dice.between(200, 2_000));
      return takesTime(() => commit(turn));
    },
    ready: (...args) => takesTime(() => inner.ready(...args)),
    due: (...args) => takesTime(() => inner.due(...args)),
    nextDueAt: () => takesTime(() => inner.nextDueAt()),
    removeFinished: (...args) => takesTime(() => inner.removeFinished(...args)),
    close: async () => {},
  };
}
