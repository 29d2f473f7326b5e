import type { StartableClock } from "#ports/clock";
import type { NodeStore } from "#ports/nodes";
import type { Reads, Store } from "#ports/store";

/** Whether a process still lives. What a dead one had begun is never heard of again. */
export interface Life {
  alive: boolean;
  /** While the process stands still: resolves when it goes on. */
  awake?: Promise<void> | undefined;
}

/** Runs `act` in the process: not once it is dead, and later if it stands still. */
function unlessStill(life: Life, act: () => void): void {
  if (!life.alive) return;
  if (life.awake) void life.awake.then(() => unlessStill(life, act));
  else act();
}

/** A promise of a dead process neither resolves nor rejects. */
function unlessDead<Result>(life: Life, begin: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (!life.alive) return;
    begin().then(
      (result) => unlessStill(life, () => resolve(result)),
      (error) => unlessStill(life, () => reject(error)),
    );
  });
}

/** The store as one process sees it: what was under way when it died may have landed, and nobody knows. */
export function mortalStore(store: Store, life: Life): Store {
  const { reads, usage } = store;
  const mortalReads: Reads = {
    task: (...args) => unlessDead(life, () => reads.task(...args)),
    tasks: (...args) => unlessDead(life, () => reads.tasks(...args)),
    countReady: (...args) => unlessDead(life, () => reads.countReady(...args)),
    countBefore: (...args) => unlessDead(life, () => reads.countBefore(...args)),
    countHeld: (...args) => unlessDead(life, () => reads.countHeld(...args)),
    queues: (...args) => unlessDead(life, () => reads.queues(...args)),
    lately: (...args) => unlessDead(life, () => reads.lately(...args)),
    lastFailed: (...args) => unlessDead(life, () => reads.lastFailed(...args)),
    run: (...args) => unlessDead(life, () => reads.run(...args)),
    template: (...args) => unlessDead(life, () => reads.template(...args)),
    templates: (...args) => unlessDead(life, () => reads.templates(...args)),
    input: (...args) => unlessDead(life, () => reads.input(...args)),
    stepInput: (...args) => unlessDead(life, () => reads.stepInput(...args)),
    output: (...args) => unlessDead(life, () => reads.output(...args)),
    journal: (...args) => unlessDead(life, () => reads.journal(...args)),
    usage: (...args) => unlessDead(life, () => reads.usage(...args)),
    stepActions: (...args) => unlessDead(life, () => reads.stepActions(...args)),
    log: (...args) => unlessDead(life, () => reads.log(...args)),
    logBounds: (...args) => unlessDead(life, () => reads.logBounds(...args)),
    deadLetters: {
      get: (...args) => unlessDead(life, () => reads.deadLetters.get(...args)),
      list: (...args) => unlessDead(life, () => reads.deadLetters.list(...args)),
      queue: (...args) => unlessDead(life, () => reads.deadLetters.queue(...args)),
      count: (...args) => unlessDead(life, () => reads.deadLetters.count(...args)),
    },
  };
  return {
    reads: mortalReads,
    shared: store.shared === true,
    outage: () => store.outage?.(),
    boot: () => unlessDead(life, () => store.boot()),
    load: (...args) => unlessDead(life, () => store.load(...args)),
    commit: (...args) => unlessDead(life, () => store.commit(...args)),
    ready: (...args) => unlessDead(life, () => store.ready(...args)),
    due: (...args) => unlessDead(life, () => store.due(...args)),
    nextDueAt: () => unlessDead(life, () => store.nextDueAt()),
    removeFinished: (...args) => unlessDead(life, () => store.removeFinished(...args)),
    close: () => store.close(),
    ...(store.nodes && { nodes: mortalNodes(store.nodes, life) }),
    ...(usage && { usage: { putOutput: (own) => unlessDead(life, () => usage.putOutput(own)) } }),
  };
}

function mortalNodes(nodes: NodeStore, life: Life): NodeStore {
  return {
    join: (...args) => unlessDead(life, () => nodes.join(...args)),
    renew: (...args) => unlessDead(life, () => nodes.renew(...args)),
    drain: (...args) => unlessDead(life, () => nodes.drain(...args)),
    leave: (...args) => unlessDead(life, () => nodes.leave(...args)),
    list: () => unlessDead(life, () => nodes.list()),
    poll: (...args) => unlessDead(life, () => nodes.poll(...args)),
    takeOver: (...args) => unlessDead(life, () => nodes.takeOver(...args)),
    runsOf: (...args) => unlessDead(life, () => nodes.runsOf(...args)),
    workers: (...args) => unlessDead(life, () => nodes.workers(...args)),
    workersNamed: (workerId) => unlessDead(life, () => nodes.workersNamed(workerId)),
    removeGone: (...args) => unlessDead(life, () => nodes.removeGone(...args)),
  };
}

/** The clock as one process sees it: it wakes nobody who is dead. */
export function mortalClock(clock: StartableClock, life: Life): StartableClock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
    startFrom: (at) => clock.startFrom(at),
    yield: () => unlessDead(life, () => clock.yield()),
    wakeAt: (at, fire) => clock.wakeAt(at, () => unlessStill(life, fire)),
  };
}
