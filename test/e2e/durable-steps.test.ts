/** An agent of thirty durable steps whose worker, or whose server, is killed: at each boundary of a step, and inside of each. */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { TaskRunClient } from "#client/index";
import { type Proc, pause, Stage, until } from "./kit/harness.js";

const STEPS = 30;
/** As the agent has it: of this `once` step a person is asked what became of it. */
const HELD = 14;
const LANES = 6;
const fixture = new URL("./fixtures/durable-agent.mjs", import.meta.url).pathname;

const stage = new Stage();
afterAll(() => stage.end());

/** Longer than any process stands still on a machine with too much to do: a worker is lost when it is killed, and only then. */
const terms = { lease: "60s", heartbeat: "500ms" } as const;

/** Two workers for the agent of one lane; one that dies is replaced by a process of the same name. */
class Lane {
  readonly agent: string;
  readonly #addr: string;
  #ended = false;
  deaths = 0;

  constructor(addr: string, agent: string) {
    this.#addr = addr;
    this.agent = agent;
  }

  /** Resolves when both are connected. */
  async begin(): Promise<this> {
    const procs = ["a", "b"].map((id) => this.#keep(id));
    for (const proc of procs)
      await proc.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
    return this;
  }

  end(): void {
    this.#ended = true;
  }

  #keep(id: string): Proc {
    const proc = this.#start(`${this.agent}-${id}`);
    void proc.ended.then(() => {
      if (this.#ended) return;
      this.deaths += 1;
      this.#keep(id);
    });
    return proc;
  }

  #start(id: string): Proc {
    const args = ["worker", "--addr", this.#addr, "--id", id, "--max-runs", "1", "--module", fixture];
    return stage.run(args, { E2E_LANE: this.agent });
  }
}

function linesOf(folder: string, name: string): string[] {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}

interface Lived {
  readonly result: unknown;
  /** Which `once` steps have happened, in order. */
  readonly done: readonly string[];
  /** Of which step the function was called, in order. */
  readonly ran: readonly string[];
  /** Entries that a person was asked about. */
  readonly asked: readonly number[];
  /** Entries with a record that they were not done. */
  readonly undone: readonly number[];
}

/** Lives through one Task, whenever the server answers. Where it is held, a person looks what was done, and says so. */
async function live(client: TaskRunClient, agent: string, die: string, pauseMs = 0): Promise<Lived> {
  const folder = mkdtempSync(join(stage.dir, "durable-"));
  const wanted = { agent, input: { folder, die, pauseMs }, idempotencyKey: folder };
  const { id } = await until("the task is created", () => client.tasks.create(wanted));
  const asked: number[] = [];
  const ended = await until(`${die}: the task ends`, async () => {
    const task = await client.tasks.get(id);
    if (task.state === "blocked_by_failures") asked.push(...(await settle(client, id, folder)));
    return task.finishedAtMs > 0 && task;
  });
  expect(ended.status, `${die}: ${ended.errorMessage}`).toBe("COMPLETED");
  expect(linesOf(folder, "died")).toEqual(die === "" ? [] : [die]);
  const { undone, result } = await until("it can be read", async () => ({
    undone: await undoneOf(client, id),
    result: await client.tasks.result(id),
  }));
  return { result, done: linesOf(folder, "done"), ran: linesOf(folder, "ran"), asked, undone };
}

async function undoneOf(client: TaskRunClient, id: string): Promise<number[]> {
  const undone: number[] = [];
  for await (const { state, entry } of client.tasks.journal(id)) if (state === "NOT_DONE") undone.push(entry);
  return undone;
}

/** @returns what was in doubt */
async function settle(client: TaskRunClient, id: string, folder: string): Promise<readonly number[]> {
  const { inDoubt } = await client.tasks.journalPage(id);
  for (const journalEntry of inDoubt) {
    const step = journalEntry - 1;
    const wasDone = linesOf(folder, "done").includes(String(step));
    const result = { step, so: `far ${step}` };
    const word = wasDone ? ({ action: "complete", result } as const) : ({ action: "retry" } as const);
    await client.tasks.resolveStep(id, "main", { ...word, journalEntry });
  }
  return inDoubt;
}

const numbers = Array.from({ length: STEPS }, (_, i) => i);
const isOnce = (step: number) => step % 3 === 2;
const once = numbers.filter(isOnce).map(String);
/** Before the first step, between any two, and after the last; and within each, before and after what it does. */
const points = [...numbers.flatMap((i) => [`${i} before`, `${i} inside`, `${i} done`]), `${STEPS} before`];

/** What must have come of a Task whose worker died there. */
function expected(point: string): Omit<Lived, "result"> {
  const [at = "", where] = point.split(" ");
  const step = Number(at);
  const inDoubt = isOnce(step) && where !== "before";
  const again = where === "inside" || (where === "done" && !isOnce(step));
  return {
    done: once,
    ran: numbers.flatMap((i) => (i === step && again ? [`${i}`, `${i}`] : [`${i}`])),
    asked: inDoubt && step === HELD ? [step + 1] : [],
    undone: inDoubt && where === "inside" ? [step + 1] : [],
  };
}

test("an agent killed at each boundary of its steps, and inside of each, comes to the same, and does once what must be", {
  timeout: 600_000,
}, async () => {
  const server = await stage.server(terms);
  const client = stage.client(server.addr);
  const lanes = await Promise.all(
    Array.from({ length: LANES }, (_, i) => new Lane(server.addr, `durable-${i}`).begin()),
  );
  const [first] = lanes as [Lane];
  const { result, ...undisturbed } = await live(client, first.agent, "");
  expect(undisturbed).toEqual({ done: once, ran: numbers.map(String), asked: [], undone: [] });
  expect(result).toHaveLength(STEPS);

  const next = points.values();
  await Promise.all(
    lanes.map(async ({ agent }) => {
      for (const point of next) {
        expect(await live(client, agent, point), point).toEqual({ result, ...expected(point) });
      }
    }),
  );
  for (const lane of lanes) lane.end();
  expect(lanes.reduce((sum, { deaths }) => sum + deaths, 0)).toBe(points.length);
});

test("a server that is killed between steps, and while one is done, costs no step, and none is done twice", {
  timeout: 300_000,
}, async () => {
  const server = await stage.server(terms);
  const client = stage.client(server.addr);
  const lane = await new Lane(server.addr, "durable-server").begin();
  const kills = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      await pause(700);
      await server.restart();
    }
  };
  const [lived] = await Promise.all([live(client, lane.agent, "", 100), kills(3)]);
  const { result, ...told } = lived;
  expect(told).toEqual({ done: once, ran: numbers.map(String), asked: [], undone: [] });

  // Its worker too, meanwhile.
  const point = "17 done";
  const [both] = await Promise.all([live(client, lane.agent, point, 100), kills(3)]);
  expect(both).toEqual({ result, ...expected(point) });
  lane.end();
});
