/** A server with nothing to do does nothing. `IDLE_SECONDS` says for how long it is looked at; 30 is the whole run. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pause, type Server, Stage, until } from "./kit/harness.js";

const seconds = Number(process.env.IDLE_SECONDS ?? 5);
/** Of one core. */
const CPU_SHARE_MAX = 0.01;
const CLOCK_TICKS_PER_SECOND = 100;

const stage = new Stage();
let server: Server;

beforeAll(async () => {
  // V8 tidies up idle heaps, and wakes threads for it: not what is looked for here.
  server = await stage.server({ lease: "30s", heartbeat: "1s", node: ["--no-memory-reducer"] });
});
afterAll(() => stage.end());

/** What a process has done so far, as the system counts it. */
function work(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const io = readFileSync(`/proc/${pid}/io`, "utf8");
  const count = (name: string) => Number(new RegExp(`${name}: (\\d+)`).exec(io)?.[1]);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND,
    reads: count("syscr"),
    writes: count("syscw"),
  };
}

/** What the server does while it is left alone, once it has settled down. */
async function idleWork() {
  let calm = work(server.proc.pid);
  await until("it has settled down", async () => {
    await pause(300);
    const now = work(server.proc.pid);
    const settled =
      now.reads === calm.reads && now.writes === calm.writes && now.cpuSeconds === calm.cpuSeconds;
    calm = now;
    return settled;
  });
  const before = work(server.proc.pid);
  await pause(seconds * 1_000);
  const after = work(server.proc.pid);
  return {
    cpuShare: (after.cpuSeconds - before.cpuSeconds) / seconds,
    calls: after.reads - before.reads + (after.writes - before.writes),
  };
}

test(`left alone for ${seconds} s it reads nothing, writes nothing, and takes no turn`, {
  timeout: 120_000,
}, async () => {
  const client = stage.client(server.addr);
  const { id } = await client.tasks.create({ agent: "nobody-has-it", timeoutMs: 3_600_000 });
  client.close();
  const turns = await server.metric("taskrun_turns_total");

  // V8 wakes its own thread once, some seconds after the last work, to collect garbage: one of three spells is calm.
  let spell = await idleWork();
  for (let spells = 1; spell.calls > 0 && spells < 3; spells += 1) spell = await idleWork();
  expect(spell.calls).toBe(0);
  expect(spell.cpuShare).toBeLessThan(CPU_SHARE_MAX);
  expect(await server.metric("taskrun_turns_total")).toBe(turns);
  await stage.client(server.addr).tasks.cancel(id);
});

test("with a worker and a watcher connected, heartbeats bring no turn and no commit", {
  timeout: 120_000,
}, async () => {
  const client = stage.client(server.addr);
  await stage.worker(server.addr, { id: "idle" });
  const { id } = await client.tasks.create({ agent: "sleeper" });
  const watch = client.tasks.watch(id);
  await watch.next();
  await until("it runs", async () => (await client.tasks.get(id)).runs[0]?.status === "RUNNING");
  const counts = async () => [
    await server.metric("taskrun_turns_total"),
    await server.metric("taskrun_commit_seconds_count"),
  ];
  const before = await counts();
  const files = ["taskrun.db", "taskrun.db-wal"].map((name) => `${server.data}/${name}`);
  const bytes = files.map((file) => readFileSync(file).toString("base64"));

  await pause(seconds * 1_000); // a few heartbeats
  expect(await counts()).toEqual(before);
  expect(
    files.map((file) => readFileSync(file).toString("base64")).every((text, i) => text === bytes[i]),
  ).toBe(true);
});
