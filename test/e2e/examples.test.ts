/** The workflows of `examples/`, run by a server and a worker as anybody would run them; what they compute is known. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outputOf, type Task, type TaskRunClient } from "#client/index";
import { countPrimes } from "../../examples/workflows/count-primes.mjs";
import { productsCsv } from "../../examples/workflows/data/make-products.mjs";
import { inputFor, undeliverable, weekOfTickets } from "../../examples/workflows/flows.mjs";
import { registerAll } from "../../examples/workflows/register.mjs";
import { Proc, root, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
let server: Server;
let worker: Proc;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server();
  client = stage.client(server.addr);
  const program = join(root, "examples/workflows/worker.mjs");
  worker = new Proc([program, server.addr], stage.dir, { ORDERS_FOLDER: join(stage.dir, "orders") });
  process.once("exit", killWorker);
  await until("the worker is connected", async () => (await client.workers.list()).length === 1);
  await registerAll(client);
});

afterAll(async () => {
  await worker.end("SIGTERM").finally(() => process.off("exit", killWorker));
  await stage.end();
});

const killWorker = (): void => worker.signal("SIGKILL");

async function run(namespace: string, name: string, input: unknown = inputFor(name)): Promise<Task> {
  const { id } = await client.tasks.create({ template: { namespace, name }, namespace, input });
  return client.tasks.wait(id);
}

/** "name=state" of each step, in the order in which they can be run. */
function steps({ steps }: Task): string {
  return steps.map(({ name, state }) => `${name}=${state}`).join(" ");
}

/** The steps that each step waits for. */
function edges({ steps }: Task): Record<string, readonly string[]> {
  return Object.fromEntries(steps.map(({ name, dependsOn }) => [name, dependsOn]));
}

test("the program that runs them all says what came of each, and ends well", async () => {
  const runner = new Proc([join(root, "examples/workflows/run.mjs")], stage.dir);

  expect([await runner.ended, runner.stderr]).toEqual([0, ""]);
  const rows = runner.stdout.split("\n").filter((line) => / (COMPLETED|FAILED) /.test(line));
  expect(rows).toHaveLength(12);
  expect(rows.at(-1)).toMatch(/^… compensated .* COMPLETED {2}order_refund, then order_release$/);
});

test("a template in code is the same as one in YAML that says the same", async () => {
  const { created, template } = await client.templates.register(countPrimes.source);

  expect(created).toBe(false);
  expect(template.digest).toBe(countPrimes.digest);
  expect(template.source).toContain("# A tree of eight");
});

describe("shapes", () => {
  test("linear: four steps, one after another, find what a text is about", async () => {
    const task = await run("example", "linear_workflow");

    expect(steps(task)).toBe(
      "clean_text=complete split_words=complete count_words=complete rank_words=complete",
    );
    expect(task.runs).toHaveLength(4);
    expect(outputOf(task)).toEqual({
      top: [
        { word: "keeper", times: 4 },
        { word: "lighthouse", times: 3 },
        { word: "sea", times: 3 },
        { word: "bell", times: 2 },
        { word: "fog", times: 2 },
      ],
      words: 72,
      distinct: 23,
      diversity: 0.319,
    });
  });

  test("diamond: two steps between one and one judge a sensor", async () => {
    const task = await run("example", "diamond_workflow");

    expect(edges(task)).toEqual({
      read_measurements: [],
      describe: ["read_measurements"],
      find_outliers: ["read_measurements"],
      judge: ["describe", "find_outliers"],
    });
    expect(outputOf(task)).toEqual({
      usable: true,
      count: 22,
      broken: 2,
      mean: 7.46,
      median: 5.55,
      deviation: 7.76,
      outliers: ["12:00"],
    });
  });

  test("graph of seven: the month is closed when all three parts of it are done", async () => {
    const task = await run("example", "reconcile_accounts");

    expect(edges(task)).toEqual({
      open_month: [],
      books: ["open_month"],
      bank: ["open_month"],
      match: ["books", "bank"],
      totals: ["books"],
      balance: ["bank"],
      close_month: ["match", "totals", "balance"],
    });
    expect(task.runs).toHaveLength(7);
    expect(outputOf(task)).toEqual({
      month: "2026-01",
      matched: 9,
      unmatched_books: ["R-110"],
      unmatched_bank: ["Account fee"],
      accounts: { rent: -180_000, sales: 1_109_980, supplies: -54_244, wages: -640_000, travel: -21_870 },
      closing_cents: 1_476_616,
      lowest: { date: "2026-01-12", cents: 746_745 },
      difference_cents: 12_750,
    });
  });

  test("tree of eight: four quarters together hold all primes below a hundred thousand", async () => {
    const task = await run("example", "count_primes");

    expect(task.steps.map(({ state }) => state)).toEqual(Array(8).fill("complete"));
    expect(edges(task).total).toEqual(["first", "second", "third", "fourth"]);
    expect(outputOf(task)).toEqual({ limit: 100_000, primes: 9_592, twins: 1_224, largest: 99_991 });
    expect(await client.tasks.stepResult(task.id, "third")).toMatchObject({ from: 50_001, to: 75_001 });
  });
});

describe("a decision", () => {
  const approve = (amount: number) =>
    run("example", "approval_routing", { ...(inputFor("approval_routing") as object), amount });

  test("lets a small amount pass by itself, in four of six steps", async () => {
    const task = await approve(500);

    expect(steps(task)).toBe(
      "validate_request=complete routing_decision=complete auto_approve=complete finalize_approval=complete",
    );
    expect(outputOf(task)).toEqual({
      approved: true,
      amount: 500,
      purpose: "two monitors",
      approvals: ["rule: yes, 500 is below the limit"],
    });
  });

  test("asks a manager about a larger one", async () => {
    const task = await approve(2_500);

    expect(edges(task).finalize_approval).toEqual(["manager_approval"]);
    expect(outputOf(task)).toMatchObject({
      approved: true,
      approvals: ["manager: yes, 3500 of 20000 are left this month"],
    });
  });

  test("asks manager and finance about the largest, and waits for both", async () => {
    const task = await approve(7_200);

    expect(edges(task).finalize_approval).toEqual(["manager_approval", "finance_review"]);
    expect(outputOf(task)).toMatchObject({
      approved: false,
      approvals: ["finance: yes, 2400 a year for 3 years", "manager: no, 3500 of 20000 are left this month"],
    });
  });
});

describe("a thousand rows of a file", () => {
  test("are what their program writes", () => {
    const path = join(root, "examples/workflows/data/products.csv");

    expect(readFileSync(path, "utf8")).toBe(productsCsv());
  });

  test("are worked on in five batches, and added up to the cent", async () => {
    const task = await run("example", "csv_products");

    const batches = ["000", "001", "002", "003", "004"].map((id) => `process_batch_${id}`);
    expect(task.steps.map(({ name }) => name).sort()).toEqual(["aggregate", "analyze_csv", ...batches]);
    expect(edges(task).aggregate).toEqual(batches);
    expect(outputOf(task)).toEqual({
      batches: 5,
      rows: 1_000,
      rejected: 13,
      rejected_rows: [137, 251, 274, 333, 411, 502, 548, 666, 685, 753, 822, 959, 999],
      stock_value_cents: 2_444_984_359,
      dearest: { sku: "OF-0976", cents: 25_097 },
      categories: {
        garden: { products: 221, value_cents: 507_380_164 },
        kitchen: { products: 193, value_cents: 484_780_122 },
        office: { products: 174, value_cents: 415_106_568 },
        sport: { products: 181, value_cents: 481_243_219 },
        toys: { products: 218, value_cents: 556_474_286 },
      },
    });
    const rows = await Promise.all(batches.map((name) => client.tasks.stepResult(task.id, name)));
    expect(rows.map((found) => (found as { rows: number }).rows)).toEqual([200, 200, 200, 200, 200]);
  });

  test("of a file that is not there fail at once, naming it", async () => {
    const task = await run("example", "csv_products", { file: "nothing.csv" });

    expect(task).toMatchObject({ status: "FAILED", runs: [{ attempt: 1 }] });
    expect(task.errorMessage).toContain("nothing.csv cannot be read");
  });
});

describe("an order", () => {
  const fulfil = (input: unknown) => run("orders", "order_fulfillment", input);
  const order = inputFor("order_fulfillment") as object;

  test("is shipped, although the card's bank answers only the third time", async () => {
    const task = await fulfil(order);

    expect(steps(task)).toBe(
      "validate_order=complete reserve_inventory=complete charge_payment=complete ship_order=complete",
    );
    const tries = task.runs.filter(({ stepName }) => stepName === "charge_payment");
    expect(tries.map(({ status, attempt }) => `${attempt} ${status}`)).toEqual([
      "1 FAILED",
      "2 FAILED",
      "3 COMPLETED",
    ]);
    const waits = tries.slice(1).map(({ startedAtMs }, i) => startedAtMs - (tries[i]?.finishedAtMs ?? 0));
    expect(waits[0]).toBeGreaterThanOrEqual(20);
    expect(waits[1]).toBeGreaterThanOrEqual(40);

    expect(await client.tasks.stepResult(task.id, "validate_order")).toMatchObject({
      net_cents: 13_925,
      tax_cents: 1_969,
      total_cents: 15_894,
      weight_grams: 3_700,
    });
    expect(await client.tasks.stepResult(task.id, "charge_payment")).toMatchObject({
      charged_cents: 15_894,
      attempts: 3,
    });
    expect(outputOf(task)).toMatchObject({ shipping_cents: 830, parcels: 1 });
    expect(task.compensatedBy).toBe("");
  });

  test("that no carrier takes is compensated by a task of its own, the last step first", async () => {
    const task = await fulfil({ ...undeliverable(), card: "4242424242424242" });

    expect(task.status).toBe("FAILED");
    expect(task.errorMessage).toContain("no carrier goes to SJ");
    expect(steps(task)).toBe(
      "validate_order=complete reserve_inventory=complete charge_payment=complete ship_order=error",
    );
    const compensation = await client.tasks.wait(task.compensatedBy);
    expect(compensation).toMatchObject({ status: "COMPLETED", compensates: task.id });
    const byAgent = new Map(compensation.steps.map((step) => [step.agent, step]));
    const [refund, release] = [byAgent.get("order_refund"), byAgent.get("order_release")];
    expect(compensation.steps).toHaveLength(2);
    expect(release?.dependsOn).toEqual([refund?.name]);
    expect(JSON.parse(refund?.outputJson ?? "")).toEqual({ refunded_cents: 15_894 });
    expect(JSON.parse(release?.outputJson ?? "")).toEqual({
      released: [
        { sku: "LAMP-01", quantity: 2 },
        { sku: "TEA-03", quantity: 5 },
        { sku: "BOOK-07", quantity: 1 },
      ],
    });

    // What was released can be reserved again: the one order that was shipped is all that is missing.
    const next = await fulfil({ ...order, card: "4242424242424242" });
    expect(await client.tasks.stepResult(next.id, "reserve_inventory")).toEqual({
      left: { "LAMP-01": 36, "TEA-03": 190, "BOOK-07": 10 },
    });
  });

  test("whose card is declined is not asked for again, and its goods are free", async () => {
    const task = await fulfil({ ...order, card: "4000000000000002" });

    expect(task.errorMessage).toContain("the card ending in 0002 was declined");
    expect(task.runs.filter(({ stepName }) => stepName === "charge_payment")).toHaveLength(1);
    const compensation = await client.tasks.wait(task.compensatedBy);
    expect(compensation.steps.map(({ agent, state }) => `${agent}=${state}`)).toEqual([
      "order_release=complete",
    ]);
  });

  test("that the schema does not allow is no task at all", async () => {
    await expect(fulfil({ ...order, items: [] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("the digest of a week's tickets", () => {
  test("maps them, has a task of its own count words, cools off, and waits for an approval", async () => {
    const { id } = await client.tasks.create({
      template: { namespace: "example", name: "ticket_digest" },
      namespace: "example",
      input: weekOfTickets(),
    });
    const task = await client.tasks.wait(id, {
      onEvent: (event) => {
        if (event.type !== "step" || event.step.name !== "approval" || event.step.state !== "in_progress")
          return;
        void client.tasks.signal(id, "approval", { approved: true, by: "Grace" });
      },
    });

    expect(outputOf(task)).toEqual({ published: true, by: "Grace", words: 40 });
    const byName = new Map(task.steps.map((step) => [step.name, step]));
    expect(task.steps.filter(({ name }) => name.startsWith("classify_"))).toHaveLength(20);
    expect(task.steps.map(({ state }) => state)).toEqual(Array(26).fill("complete"));

    const { startedAtMs = 0, finishedAtMs = 0 } = byName.get("cooling_off") ?? {};
    expect(finishedAtMs - startedAtMs).toBeGreaterThanOrEqual(200);
    const child = await client.tasks.get(byName.get("wording")?.childTaskId ?? "");
    expect(child).toMatchObject({ status: "COMPLETED", parentTaskId: id, parentStepName: "wording" });
    expect(child.template).toMatchObject({ namespace: "example", name: "linear_workflow", version: "1.0.0" });
    expect(await client.tasks.stepResult(id, "compose")).toMatchObject({
      tickets: 20,
      urgent: ["T-03", "T-14", "T-19"],
    });
  });
});
