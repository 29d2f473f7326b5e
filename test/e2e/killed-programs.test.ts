/** Programs that a worker runs for its agents, when the worker is killed: the system tells nobody but their watchdog. */
import { spawnSync } from "node:child_process";
import { afterAll, expect, test } from "vitest";
import { Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

const program = `process.on("SIGTERM", () => {});
  const child = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  console.log(process.pid + " " + child.pid); setInterval(() => {}, 1000);`;

/** Processes that run; one that has ended and that nobody has asked about is not alive. */
function alive(pids: readonly number[]): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=,stat=", "-p", pids.join()], { encoding: "utf8" });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return lines.filter(([, stat = "Z"]) => !stat.startsWith("Z")).map(([pid]) => Number(pid));
}

/** The processes whose parent this one is. */
function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child = 0]) => child);
}

test("the programs of a killed worker, and what they started, do not go on beside the next attempt", async () => {
  const server = await stage.server();
  const client = stage.client(server.addr);
  const exec = [`p=${process.execPath} -e '${program}'`];
  const worker = await stage.worker(server.addr, { id: "killed", exec });
  const pidsOf = async () => {
    const { id } = await client.tasks.create({ agent: "p" });
    for await (const event of client.tasks.watch(id)) {
      if (event.type === "output") return event.output.content.trim().split(" ").map(Number);
    }
    return [];
  };
  const pids = [...(await pidsOf()), ...(await pidsOf())];
  expect(alive(pids)).toEqual([...pids].sort((a, b) => a - b));
  // One process watches all programs.
  const children = childrenOf(worker.pid);
  expect(children.length).toBe(3);

  await worker.end("SIGKILL");

  await until("all programs are gone", () => alive(pids).length === 0);
  await until("their watchdog has ended too", () => alive(children).length === 0);
});

test("a watchdog that is killed is replaced with the next program, and watches the earlier ones too", async () => {
  const server = await stage.server();
  const client = stage.client(server.addr);
  const worker = await stage.worker(server.addr, {
    id: "watched",
    exec: [`p=${process.execPath} -e '${program}'`],
  });
  const start = async () => {
    const before = childrenOf(worker.pid);
    await client.tasks.create({ agent: "p" });
    return until("the program runs", () => {
      const more = childrenOf(worker.pid).filter((pid) => !before.includes(pid));
      return more.length > 0 && more;
    });
  };
  const [first = 0] = (await start()).sort((a, b) => a - b);
  const watchdog = await until("the watchdog runs", () =>
    childrenOf(worker.pid).find((pid) => pid !== first),
  );
  process.kill(watchdog, "SIGKILL");
  await worker.said("the loss is logged", ({ stderr }) => stderr.includes("watchdog does not run"));
  await start();
  await until("there are two programs and a watchdog", () => childrenOf(worker.pid).length === 3);

  await worker.end("SIGKILL");

  await until("the earlier program is gone", () => alive([first]).length === 0);
});
