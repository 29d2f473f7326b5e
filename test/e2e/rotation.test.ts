/** Another authority in the place of the one in use: under load, with servers that are killed at every commit, on several nodes. */
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type AuthorityPhase, type AuthorityState, createClient, type TaskRunClient } from "#client/index";
import { Proc, pause, Stage, until } from "./kit/harness.js";

const stage = new Stage();
const own: Proc[] = [];
const clients: TaskRunClient[] = [];
afterAll(async () => {
  for (const client of clients) client.close();
  for (const proc of own) if (!proc.over) proc.signal("SIGKILL");
  await Promise.all(own.map(({ ended }) => ended));
  await stage.end();
});

const PROCESSES = 4;
const SESSIONS = 50;
const phases: readonly AuthorityPhase[] = ["init", "update_clients", "update_servers", "standby"];

interface Announced {
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  readonly data: string;
  readonly caPin: string;
  readonly adminKey: string;
}

const announcedBy = (proc: Proc) =>
  proc.said("its addresses", ({ stdout }) => {
    return stdout.endsWith("\n") ? (JSON.parse(stdout) as Announced) : undefined;
  });

/** A client that trusts what is in the folder of the server, as commands on its machine do. */
function clientOf({ grpc, data, adminKey }: Announced, file = "ca.pem"): TaskRunClient {
  const apiKey = readFileSync(adminKey, "utf8").trim();
  const client = createClient({
    addr: grpc[0] ?? "",
    ca: join(data, "tls", file),
    apiKey,
    timeoutMs: 30_000,
  });
  clients.push(client);
  return client;
}

async function command({ grpc, data }: Announced, ...words: string[]) {
  const proc = stage.run([...words, "--addr", grpc[0] ?? "", "--data", data]);
  return { exit: await proc.ended, stdout: proc.stdout, stderr: proc.stderr };
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Proc {
  const path = fileURLToPath(new URL(`fixtures/${program}`, import.meta.url));
  const proc = new Proc([path, ...args], stage.dir, env);
  own.push(proc);
  return proc;
}

const connections = ({ stderr }: Proc) => stderr.split('"msg":"connected"').length - 1;

/** Waits until nobody is waited for any more, and goes on. */
async function goOn(client: TaskRunClient, to: AuthorityPhase): Promise<void> {
  await until(
    `everybody is ready for ${to}`,
    async () => {
      const { phase, waitingNodes, workersWaitedFor } = await client.authority.get();
      return phase === to || waitingNodes.length + workersWaitedFor === 0;
    },
    120_000,
  );
  await client.authority.rotate(to);
}

test(`${PROCESSES * SESSIONS} sessions in ${PROCESSES} processes are rotated to another authority under load, and no run is lost`, {
  timeout: 600_000,
}, async () => {
  const data = mkdtempSync(join(stage.dir, "load-"));
  const ports = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--connections-per-address", "2000"];
  const flags = ["--json", "--tls", "auto", "--data", data, "--heartbeat", "2s", "--lease", "60s", ...ports];
  const plane = await announcedBy(stage.run(["server", ...flags]));
  const before = clientOf(plane);
  const crowds: (readonly [string, string])[] = [];
  for (let n = 0; n < PROCESSES; n++) {
    const invited = await before.enrollment.invite({ name: `crowd${n}`, count: SESSIONS, ttlMs: 3_600_000 });
    crowds.push([mkdtempSync(join(stage.dir, "crowd-")), invited.map(({ token }) => token).join(",")]);
  }
  const start = ([folder, TOKENS]: readonly [string, string]) =>
    run("enrolled-crowd.mjs", [plane.grpc[0] ?? "", plane.caPin, folder], { TOKENS });
  const procs = crowds.map(start);
  const all = async (count: number) =>
    until("all are connected", () => procs.every((proc) => connections(proc) >= count), 240_000);
  await all(SESSIONS);

  const tasks: Promise<unknown>[] = [];
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      tasks.push(before.tasks.run({ agent: "writer", input: { chunks: 8, delayMs: 250, bytes: 500 } }));
      await pause(50);
    }
  })();

  const rotated = await command(plane, "ca", "rotate");
  expect(rotated.exit, rotated.stderr).toBe(0);
  expect(rotated.stdout).toContain("rotation: init since");
  const client = clientOf(plane, "bundle.pem");
  const { nextCaPin } = await client.authority.get();
  await goOn(client, "update_clients");
  const early = await command(plane, "ca", "rotate");
  if (early.exit !== 0) expect(early.stderr).toMatch(/would leave \d+ workers behind, default\/crowd/);
  for (const phase of phases.slice(2)) await goOn(client, phase);
  isOver = true;
  await load;
  await Promise.all(tasks);

  expect(tasks.length).toBeGreaterThan(100);
  for (const proc of procs) {
    expect(proc.over, proc.stderr.slice(-2_000)).toBe(false);
    expect(proc.stderr).not.toContain("lease lost");
  }
  const odd: unknown[] = [];
  for await (const { id } of client.tasks.list({ agent: "writer" })) {
    const { runs = [], status } = await client.tasks.get(id);
    const done = runs.filter((each) => each.status === "COMPLETED");
    const wrong = runs.some(({ attempt }) => attempt !== 1) || done.length !== 1 || status !== "COMPLETED";
    if (wrong)
      odd.push(runs.map(({ status: was, attempt, errorMessage }) => ({ was, attempt, errorMessage })));
  }
  expect(odd).toEqual([]);

  const status = await command(plane, "ca", "status");
  expect([nextCaPin !== plane.caPin, status.stdout.includes(nextCaPin)]).toEqual([true, true]);
  expect(status.stdout).toContain("no rotation: there is one authority");
  // Who has the old pin only is told why it does not fit; a worker that was started with it has kept what came since.
  const key = readFileSync(plane.adminKey, "utf8").trim();
  const old = stage.run(["task", "list", "--addr", plane.grpc[0] ?? "", "--ca-pin", plane.caPin], {
    TASKRUN_API_KEY: key,
  });
  expect(await old.ended).toBe(3);
  expect(old.stderr).toContain("its authority was rotated since");
  await procs[0]?.end("SIGTERM");
  procs[0] = start(crowds[0] as readonly [string, string]);
  await until("they are connected again", () => connections(procs[0] as Proc) >= SESSIONS, 240_000);
  await client.tasks.run({ agent: "writer", input: {} });
});

test("a server that is killed at every commit of enrolment, renewal and rotation goes through all of them", {
  timeout: 600_000,
}, async () => {
  const data = join(mkdtempSync(join(stage.dir, "mortal-")), "data");
  mkdirSync(data, { mode: 0o700 });
  let [grpc, http] = ["127.0.0.1:0", "127.0.0.1:0"];
  let [deaths, isWanted] = [0, true];
  let plane: Announced | undefined;
  const live = async (): Promise<void> => {
    const proc = run("mortal-authority.mjs", [data, grpc, http]);
    void proc.ended.then(() => {
      if (!isWanted) return;
      deaths += 1;
      void live();
    });
    plane = await announcedBy(proc).catch(() => plane);
    [grpc, http] = [plane?.grpc[0] ?? grpc, plane?.http[0] ?? http];
  };
  await live();
  const first = plane as unknown as Announced;
  /** By a command, which is a new client each time, until it is done. */
  const insist = async (what: string, ...words: string[]) =>
    until(
      what,
      async () => {
        const { exit, stdout } = await command(first, ...words);
        return exit === 0 && stdout;
      },
      180_000,
    );
  const line = await insist(
    "a worker is invited",
    "worker",
    "invite",
    "--name",
    "w1",
    "--ttl",
    "1h",
    "--json",
  );
  const { token } = JSON.parse(line) as { token: string };
  const folder = join(stage.dir, "mortal-worker");
  const worker = run("enrolled-crowd.mjs", [grpc, first.caPin, folder], { TOKENS: token });
  await worker.said("it is enrolled and connects", (proc) => connections(proc) > 0);

  /** What is said by the folder, and by the server, which may just be away. */
  const statusIs = (phase: string) =>
    until(
      `the server says ${phase}`,
      async () => {
        const { stdout } = await command(first, "ca", "status", "--json");
        const status = JSON.parse(stdout) as { pin: string; rotation?: AuthorityState };
        return status.rotation?.phase === phase && status;
      },
      120_000,
    );
  for (const word of ["init", "update-clients", "update-servers", "standby"]) {
    await insist(`the rotation goes to ${word}`, "ca", "rotate", word);
    await statusIs(word.replace("-", "_"));
  }
  const after = await statusIs("standby");
  expect(after.pin).not.toBe(first.caPin);
  expect(after.rotation).toMatchObject({ caPin: after.pin, workers: 1 });
  const enrolled = (await insist("who is enrolled", "worker", "enrolled", "--json")).trim().split("\n");
  expect(enrolled.length).toBe(1);
  expect(worker.over, worker.stderr.slice(-2_000)).toBe(false);
  await insist("a task is done", "task", "create", "--agent", "writer", "--input", "{}", "--wait");
  expect(deaths).toBeGreaterThan(8);
  isWanted = false;
});
