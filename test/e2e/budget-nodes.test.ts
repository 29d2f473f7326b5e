/** A budget that workers of two servers over one PostgreSQL use up together. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outputOf, type Task, type TaskRunClient } from "#client/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { type Proc, pause, root, type Server, Stage, until } from "./kit/harness.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

/** Children of the Task, how often each spends, and how much. */
const CHILDREN = 6;
const TURNS = 60;
const EACH = 7;

interface Spent {
  readonly what: "here" | "spent";
  readonly worker: string;
  readonly n: number;
  readonly turn: number;
  readonly tokens: number;
}

describe.skipIf(noPostgres !== undefined)("two nodes over one PostgreSQL", () => {
  const stage = new Stage();
  const spentFile = join(stage.dir, "spent.jsonl");
  let postgres: PostgresServer;
  let nodes: readonly [Server, Server];
  let client: TaskRunClient;
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    const settings = { store: postgres.url(), lease: "3s", heartbeat: "500ms" };
    nodes = [await stage.server(settings), await stage.server(settings)];
    client = stage.client(nodes[0].addr);
  });
  afterAll(async () => {
    await stage.end();
    await postgres?.remove();
  });

  async function worker(node: Server, id: string): Promise<Proc> {
    const module = join(root, "test/e2e/fixtures/spending-agents.mjs");
    const flags = ["--module", module, "--id", id, "--max-runs", String(CHILDREN / 2)];
    const env = { E2E_SPENT: spentFile, E2E_WORKER: id };
    const proc = stage.run(["worker", "--addr", node.addr, ...flags], env);
    await proc.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
    return proc;
  }

  const spent = (): readonly Spent[] =>
    existsSync(spentFile)
      ? readFileSync(spentFile, "utf8")
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Spent)
          .filter(({ what }) => what === "spent")
      : [];
  const tokensOf = ({ usage }: Pick<Task, "usage">) => usage?.inputTokens ?? 0;
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

  async function childrenOf(parentTaskId: string): Promise<Task[]> {
    const all: Task[] = [];
    for await (const task of client.tasks.list({ parentTaskId })) all.push(task);
    return all;
  }

  /** The Task, once every child is held, and all that was spent has been told: a worker whose node is gone tells it to the next one. */
  async function held(id: string): Promise<Task> {
    await until("all that spends is held", async () => {
      const children = await childrenOf(id);
      return children.length === CHILDREN && children.every(({ state }) => state === "blocked_by_failures");
    });
    return until("what was spent counts", async () => {
      const task = await client.tasks.get(id);
      return tokensOf(task) === sum(spent().map(({ tokens }) => tokens)) && task;
    });
  }

  /** What the logs say that the Tasks have used, those that have ended. */
  async function recounted(tasks: readonly Task[]): Promise<number[]> {
    return Promise.all(
      tasks.map(async ({ id }) => {
        let tokens = 0;
        for await (const event of client.tasks.watch(id)) {
          if (event.type === "usage") tokens += event.usage.inputTokens;
        }
        return tokens;
      }),
    );
  }

  test("a task below which workers of both spend ends no higher than one report for each; a node is killed, and all sums are right", {
    timeout: 240_000,
  }, async () => {
    await worker(nodes[0], "at-0");
    await worker(nodes[1], "at-1");
    const bound = 100 * EACH;
    const input = { of: CHILDREN, turns: TURNS, tokens: EACH };
    const { id } = await client.tasks.create({ agent: "lead", input, budget: { tokens: bound } });

    const first = await held(id);
    expect(new Set(spent().map(({ worker: by }) => by))).toEqual(new Set(["at-0", "at-1"]));
    expect(tokensOf(first)).toBeGreaterThanOrEqual(bound);
    expect(tokensOf(first)).toBeLessThan(bound + CHILDREN * EACH);

    // More of it, and in the middle of that one node is gone for a while.
    const before = spent().length;
    const { budget } = await client.tasks.topUp(id, { tokens: bound });
    const raised = budget?.tokens ?? 0;
    await until("both spend again", () => {
      const since = spent().slice(before + 20);
      return new Set(since.map(({ worker: by }) => by)).size === 2;
    });
    await nodes[1].proc.end("SIGKILL");
    await pause(500);
    await nodes[1].start();
    const second = await held(id);
    expect(tokensOf(second)).toBeGreaterThanOrEqual(raised);
    // A Run that was lost with its node may have told its last report late, beside the one that followed it.
    expect(tokensOf(second)).toBeLessThan(raised + 2 * CHILDREN * EACH);

    await client.tasks.topUp(id, { tokens: 100 * CHILDREN * TURNS * EACH });
    const ended = await client.tasks.wait(id);
    expect(outputOf(ended)).toEqual(Array(CHILDREN).fill(TURNS));
    // What was journaled is not done again: only what was under way when a Run was stopped, twice, or lost.
    const turns = new Set(spent().map(({ n, turn }) => `${n} ${turn}`));
    expect(turns.size).toBe(CHILDREN * TURNS);
    expect(spent().length).toBeLessThanOrEqual(CHILDREN * TURNS + 3 * CHILDREN);
    const children = await childrenOf(id);
    const sums = children.map(tokensOf);
    expect(await recounted(children)).toEqual(sums);
    expect(sum(sums)).toBe(tokensOf(ended));
    expect(tokensOf(ended)).toBe(sum(spent().map(({ tokens }) => tokens)));
    const { total } = await client.usage.get();
    expect(total.inputTokens).toBe(tokensOf(ended));
  });
});
