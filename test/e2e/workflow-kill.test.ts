/**
 * A server kills itself right before, and right after, each of the commits that a workflow of seven steps takes;
 * it comes back, its worker reconnects, and the Task must end as if nothing had happened.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasEnded, type Task, type TaskRunClient } from "#client/index";
import { openDriver } from "#stores/sqlite/driver";
import { auditGraphSql } from "#testing/audit";
import { Stage, until } from "./kit/harness.js";
import { MortalServer } from "./kit/mortal-server.js";

const agents = fileURLToPath(new URL("./fixtures/telling-agent.mjs", import.meta.url));
/** More commits than seven steps take. */
const COMMITS_MOST = 40;

const handler = { callable: "teller" };
const steps = [
  { name: "init", handler },
  { name: "left", handler, dependencies: ["init"] },
  { name: "right", handler, dependencies: ["init"] },
  { name: "validate", handler, dependencies: ["left", "right"] },
  { name: "transform", handler, dependencies: ["left"] },
  { name: "analyze", handler, dependencies: ["right"] },
  { name: "finalize", handler, dependencies: ["validate", "transform", "analyze"] },
];
const source = JSON.stringify({ name: "seven", namespace_name: "default", version: "1.0.0", steps });

const stage = new Stage();
const trace = join(stage.dir, "steps.jsonl");
let server: MortalServer;
let client: TaskRunClient;

beforeAll(async () => {
  server = await MortalServer.start(stage.dir);
  client = stage.client(server.addr);
  const flags = ["--addr", server.addr, "--id", "w1", "--max-runs", "2", "--module", agents];
  const worker = stage.run(["worker", ...flags], { E2E_TRACE: trace });
  await worker.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  await client.templates.register(source);
});
afterAll(async () => {
  await server.stop();
  await stage.end();
});

/** Lives through one Task, and asks as often as it takes. */
async function live(kill: string): Promise<Task> {
  const request = { template: { name: "seven" }, input: {}, labels: { kill }, idempotencyKey: kill };
  const { id } = await until(`${kill}: created`, () => client.tasks.create(request));
  return until(`${kill}: the task ends`, async () => {
    const task = await client.tasks.get(id);
    return hasEnded(task) && task;
  });
}

/** All that a user can tell two Tasks apart by, less ids and times. */
function told({ status, errorMessage, outputJson, steps }: Task) {
  const rows = steps.map(({ name, state, attempts, outputJson }) => ({ name, state, attempts, outputJson }));
  return { status, errorMessage, outputJson, steps: rows };
}

interface Begun {
  readonly taskId: string;
  readonly stepName: string;
}

function begun(): Begun[] {
  return readFileSync(trace, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

test("a workflow ends as if nothing had happened, at whichever commit its server is killed", {
  timeout: 300_000,
}, async () => {
  const undisturbed = told(await live("0 never"));
  expect(undisturbed).toMatchObject({ status: "COMPLETED", errorMessage: "" });
  expect(undisturbed.steps.map(({ attempts }) => attempts)).toEqual(steps.map(() => 1));

  const tasks: string[] = [];
  let survived = 0;
  for (let commit = 1; survived < 2 && commit < COMMITS_MOST; commit += 1) {
    for (const when of ["before", "after"]) {
      const { deaths } = server;
      const task = await live(`${commit} ${when}`);
      expect({ commit, when, ...told(task) }).toEqual({ commit, when, ...undisturbed });
      const [result, ...others] = task.runs.filter(
        ({ status, stepName }) => status === "COMPLETED" && stepName === "finalize",
      );
      expect({ result: result?.stepName, others }).toEqual({ result: "finalize", others: [] });
      tasks.push(task.id);
      if (server.deaths === deaths) survived += 1;
    }
  }
  // The creation, and a turn for each of four steps that follow one another, if nothing takes longer.
  expect(server.deaths).toBeGreaterThanOrEqual(2 * 5);
  const all = begun();
  for (const id of tasks) {
    const names = new Set(all.filter(({ taskId }) => taskId === id).map(({ stepName }) => stepName));
    expect([...names].sort()).toEqual(steps.map(({ name }) => name).sort());
  }

  await server.stop();
  const file = openDriver(server.file);
  expect(file.prepare(auditGraphSql).all([])).toEqual([]);
  file.close();
});
