import { Fault } from "#domain/fault";
import type { NodeStore } from "#ports/nodes";
import type { Commit, Committed, Store } from "#ports/store";
import type { SimNode } from "./node.js";
import type { NodesWorld } from "./world.js";

/** How long a call waits at most before it is told that the store is away. */
const NOTICED_MS = 1_000;
/** After this long an unknown outcome is looked up again. */
const LOOKED_UP_MS = 500;

/** Members of a store and its nodes that are no calls to it. */
const LOCAL = new Set<PropertyKey>(["outage", "shared", "failed", "open", "close"]);

/**
 * The shared store as one process of a node reaches it: each call takes its time, finds the store away, or is not heard of
 * again. Of a commit whose answer was lost the process learns in the end whether it has landed, by asking with the same id.
 */
export function connection(store: Store, world: NodesWorld, node: SimNode): Store {
  const { life } = node;
  const call = <Result>(work: () => Promise<Result>) => takeTime(world, node, work);
  const commit = (turn: Commit) => commitOnce(store, world, node, turn);
  const slow = <Target extends object>(target: Target, own: Partial<Target> = {}): Target =>
    new Proxy(target, {
      get: (_, name) => {
        if (name in own) return own[name as keyof Target];
        const member: unknown = target[name as keyof Target];
        if (LOCAL.has(name) || typeof member !== "function") return member;
        return (...args: unknown[]) =>
          mortal(node, () => call(() => member.apply(target, args) as Promise<unknown>));
      },
    });
  const { nodes } = store;
  return slow(store, {
    reads: slow(store.reads),
    commit: (turn) => mortal({ life }, () => commit(turn)),
    ...(nodes && { nodes: slow(watched(nodes, world, node)) }),
  });
}

/** What a process hears of that is dead, or stands still: nothing, or all that comes when it goes on. */
function mortal<Result>({ life }: Pick<SimNode, "life">, begin: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const heard = (act: () => void): void => {
      if (life.awake) void life.awake.then(() => heard(act));
      else if (life.alive) act();
    };
    if (!life.alive) return;
    begin().then(
      (result) => heard(() => resolve(result)),
      (error: unknown) => heard(() => reject(error)),
    );
  });
}

async function takeTime<Result>(
  world: NodesWorld,
  node: SimNode,
  work: () => Promise<Result>,
): Promise<Result> {
  const { dice, weather } = world;
  await world.sleep(dice.between(0, weather.storeMs));
  await reached(world, node);
  // What was under way when its process died may land, or not.
  if (!node.life.alive && dice.chance(0.5)) return new Promise(() => {});
  const result = await work();
  await world.sleep(dice.between(0, weather.storeMs));
  await reached(world, node);
  return result;
}

/** @throws {Fault} if the node does not reach the store now */
async function reached(world: NodesWorld, node: SimNode): Promise<void> {
  if (node.reachesStore) return;
  await world.sleep(world.dice.between(0, NOTICED_MS));
  throw away();
}

function away(): Fault {
  return new Fault("unavailable", "the store is away");
}

async function commitOnce(store: Store, world: NodesWorld, node: SimNode, turn: Commit): Promise<Committed> {
  const { dice, weather } = world;
  if (dice.chance(weather.slowCommit)) await world.sleep(dice.between(200, 2_000));
  if (world.faulty && dice.chance(weather.commitFails)) throw away();
  await world.sleep(dice.between(0, weather.storeMs));
  await reached(world, node);
  for (;;) {
    const lost = world.faulty && dice.chance(weather.unknownCommits);
    if (!node.life.alive && dice.chance(0.5)) return new Promise(() => {});
    if (!(lost && dice.chance(0.5))) {
      const committed = await landed(store, world, node, turn);
      await world.sleep(dice.between(0, weather.storeMs));
      if (!lost && node.reachesStore) return committed;
    }
    world.note(`${node.name}: unknown commit`);
    world.mirror.marks.add("unknown commit");
    do await world.sleep(LOOKED_UP_MS);
    while (!node.reachesStore);
  }
}

/** Writes the turn if it is not there yet; the oracles see it once. */
async function landed(store: Store, world: NodesWorld, node: SimNode, turn: Commit): Promise<Committed> {
  const committed = await store.commit(turn);
  world.committed(turn, node);
  return committed;
}

/** The oracles are told who a node is, and of every one that is taken over, at the moment when it happens. */
function watched(nodes: NodeStore, world: NodesWorld, node: SimNode): NodeStore {
  return new Proxy(nodes, {
    get: (_, name) => {
      const member: unknown = nodes[name as keyof NodeStore];
      if (typeof member !== "function") return member;
      if (name === "join") {
        return (...args: Parameters<NodeStore["join"]>) => {
          node.id = args[0].id;
          return nodes.join(...args);
        };
      }
      if (name !== "takeOver") return (...args: unknown[]) => member.apply(nodes, args);
      return async (...args: Parameters<NodeStore["takeOver"]>) => {
        const done = await nodes.takeOver(...args);
        if (done) world.tookOver(...args);
        return done;
      };
    },
  });
}
