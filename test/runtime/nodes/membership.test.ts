import { expect, test } from "vitest";
import type { NodeId, SessionId } from "#domain/id";
import type { NodeInfo } from "#domain/node";
import { instant, millis } from "#domain/time/time";
import type { NodeLease, NodeStore } from "#ports/nodes";
import { Membership } from "#runtime/nodes/membership";
import { sharedMemory } from "#stores/memory/shared";
import { settle, VirtualClock } from "#testing/virtual-time";
import { countingTelemetry } from "../kit/counting-telemetry.js";

const info: NodeInfo = { id: "node-1" as NodeId, version: "1", hostname: "here", address: "" };
const other: NodeInfo = { ...info, id: "node-2" as NodeId };

/** What the store does with a request: answers at once, answers late, refuses, or is silent for ever. */
type Weather = "fine" | "away" | "silent" | { readonly after: number };

async function member() {
  const clock = new VirtualClock(1_000_000);
  const [store, rival] = (({ open }) => [open().nodes, open().nodes])(sharedMemory(() => clock.now())) as [
    NodeStore,
    NodeStore,
  ];
  const began = clock.now();
  const asked: number[] = [];
  const gone: string[] = [];
  const said: ReadonlyMap<SessionId, number>[] = [];
  const world: { weather: Weather } = { weather: "fine" };
  const through = async (request: () => Promise<NodeLease>): Promise<NodeLease> => {
    const { weather } = world;
    if (weather === "away") throw new Error("the store is away");
    if (weather === "silent") return new Promise(() => {});
    const answer = await request();
    if (weather === "fine") return answer;
    return new Promise((resolve) =>
      clock.wakeAt(instant(clock.now() + weather.after), () => resolve(answer)),
    );
  };
  const { telemetry, counted } = countingTelemetry();
  const membership = new Membership({
    info,
    store: {
      join: (...args) => through(() => store.join(...args)),
      renew: (...args) => {
        asked.push(clock.now() - began);
        said.push(args[2]);
        return through(() => store.renew(...args));
      },
      drain: (id) => store.drain(id),
      leave: (id) => store.leave(id),
    },
    clock,
    telemetry,
    heard: () => new Map([["s1" as SessionId, instant(7)]]),
    gone: (error) => gone.push(`${clock.now() - began} ${error.message}`),
  });
  const pass = async (ms: number) => {
    await clock.advance(ms);
    await settle();
  };
  return { membership, store, rival, asked, said, gone, world, pass, counted };
}

async function started() {
  const all = await member();
  await all.membership.join();
  all.membership.start();
  return all;
}

test("a lease is renewed three times before it ends, for ever", async () => {
  const { membership, asked, gone, pass, rival } = await started();
  await pass(60_000);
  expect(asked).toEqual([
    5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 45_000, 50_000, 55_000, 60_000,
  ]);
  expect(gone).toEqual([]);
  expect(membership.secondsLeft).toBe(10);
  await pass(4_000);
  expect(membership.secondsLeft).toBe(6);
  expect(await rival.list()).toMatchObject([{ id: info.id, state: "live" }]);
});

test("what fails is tried again every second, and one success is enough", async () => {
  const { asked, gone, world, pass, counted } = await started();
  world.weather = "away";
  await pass(8_500);
  expect(asked).toEqual([5_000, 6_000, 7_000, 8_000]);
  expect(counted("taskrun_node_renewals_total", { outcome: "failed" })).toBe(4);
  world.weather = "fine";
  await pass(20_000);
  expect(gone).toEqual([]);
  expect(counted("taskrun_node_renewals_total", { outcome: "renewed" })).toBeGreaterThan(2);
});

test("a node whose store is away stops by itself while its lease still has a third to go", async () => {
  const { gone, asked, world, pass, rival } = await started();
  world.weather = "away";
  await pass(9_999);
  expect(gone).toEqual([]);
  await pass(1);
  expect(gone).toEqual([expect.stringMatching(/^10000 node node-1 could not renew its lease for 10 s/)]);
  expect((await rival.list())[0]).toMatchObject({ state: "live" });
  await pass(60_000);
  expect(gone).toHaveLength(1);
  expect(asked.at(-1)).toBeLessThanOrEqual(10_000);
});

test("how long it may go on is counted from when a renewal was sent, not from when it was answered", async () => {
  const { membership, gone, world, pass } = await started();
  world.weather = { after: 4_000 };
  await pass(9_000); // sent at 5 s, answered at 9 s
  expect(membership.secondsLeft).toBe(6);
  world.weather = "silent";
  await pass(5_999);
  expect(gone).toEqual([]);
  await pass(1);
  expect(gone).toEqual([expect.stringMatching(/^15000 /)]);
});

test("so it is from when it joined", async () => {
  const { membership, gone, world, pass } = await member();
  world.weather = { after: 3_000 };
  const joining = membership.join();
  await pass(3_000);
  await joining;
  membership.start();
  expect(membership.secondsLeft).toBe(7);
  world.weather = "silent";
  await pass(7_000);
  expect(gone).toEqual([expect.stringMatching(/^10000 /)]);
});

test("a node that others have taken over ends when it asks, and for good", async () => {
  const { membership, store, rival, gone, world, pass } = await started();
  await rival.join(other, millis(600_000));
  world.weather = "away";
  await pass(8_000);
  // Its machine stood still meanwhile, and nobody could know.
  await rival.leave(info.id);
  expect(await rival.takeOver(info.id, other.id)).toBe(true);
  world.weather = "fine";
  await pass(500);
  expect(gone).toEqual([]);
  await pass(500);
  expect(gone).toEqual([
    expect.stringContaining("node node-1 has lost its lease, and others have taken over"),
  ]);
  await expect(membership.join()).rejects.toMatchObject({ reason: "NODE_GONE" });
  await expect(store.renew(info.id, millis(1_000), new Map())).rejects.toMatchObject({ reason: "NODE_GONE" });
  await pass(60_000);
  expect(gone).toHaveLength(1);
});

test("one that leaves renews no more, and is not told that it is gone", async () => {
  const { membership, asked, gone, pass, rival } = await started();
  membership.drain();
  await pass(6_000);
  expect((await rival.list())[0]).toMatchObject({ state: "draining" });
  await membership.leave();
  await pass(60_000);
  expect([asked, gone]).toEqual([[5_000], []]);
  expect((await rival.list())[0]).toMatchObject({ state: "left" });
});

test("when each worker was last heard is said with each renewal", async () => {
  const { pass, said } = await started();
  await pass(10_000);
  expect(said).toEqual([new Map([["s1", 7]]), new Map([["s1", 7]])]);
});
