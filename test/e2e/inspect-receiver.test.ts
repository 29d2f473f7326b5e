/**
 * The page `/inspect` and the receiver of `@statelyai/inspect` in a real browser: what a demo's Tasks do comes as valid events, and
 * whoever replays them has, for every actor, the state that the store has.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Task, TaskRunClient } from "#client/index";
import { Replay, type SeenActor } from "../inspect/kit/replay.js";
import { expectValid } from "../inspect/kit/valid.js";
import { describeInChromium, openChromium } from "./kit/chromium.js";
import { type Server, Stage, until } from "./kit/harness.js";
import { received, serveReceiver } from "./kit/receiver.js";

const stage = new Stage();
let browser: Browser;
let context: BrowserContext;
let server: Server;
let client: TaskRunClient;
/** What the browser has complained about. */
const complaints: string[] = [];

async function register(name: string, steps: readonly object[], more: object = {}): Promise<void> {
  const source = JSON.stringify({ name, namespace_name: "default", version: "1.0.0", steps, ...more });
  await client.templates.register(source);
}

const taskOf = async (name: string) =>
  (await client.tasks.create({ template: { namespace: "default", name, version: "1.0.0" }, input: {} })).id;

/** A Task of each kind: what completes, fails, is cancelled, compensated, tried again, and what waits. */
async function demo(): Promise<void> {
  const { id: written } = await client.tasks.create({ agent: "writer", input: { chunks: 3 } });
  const { id: cancelled } = await client.tasks.create({ agent: "sleeper", input: {} });
  await client.tasks.create({ agent: "nobody-runs-it", input: {} });
  const ids = await Promise.all(["line", "flaky", "trip", "above", "held"].map(taskOf));
  await client.tasks.wait(written);
  await client.tasks.cancel(cancelled);
  for (const id of [ids[0], ids[2]]) if (id) await client.tasks.wait(id);
}

/** All Tasks of the server, whole. */
async function stored(): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  for await (const { id } of client.tasks.list()) tasks.push(await client.tasks.get(id));
  return tasks;
}

/** In which actors a replay does not show what the store has. */
function differences(actors: ReadonlyMap<string, SeenActor>, tasks: readonly Task[]): readonly string[] {
  const truth = new Map<string, unknown>();
  for (const { id, state, steps, runs } of tasks) {
    truth.set(`task:${id}`, state);
    for (const step of steps) truth.set(`step:${id}/${step.name}`, step.state);
    for (const { id: runId, status } of runs) truth.set(`run:${runId}`, status);
  }
  const wrong: string[] = [];
  for (const [id, state] of truth) {
    const value = actors.get(id)?.value;
    const shown = typeof value === "string" ? value : (value as { status?: string } | undefined)?.status;
    if (shown !== state) wrong.push(`${id} is shown as ${shown}, and is ${state}`);
  }
  for (const id of actors.keys()) {
    if (/^(task|step|run):/.test(id) && !truth.has(id)) wrong.push(`${id} is shown, and there is none`);
  }
  return wrong;
}

/** Opens the page, and gives what a window of Stately's inspector, opened by it now, goes on to receive. */
async function openPage(query = ""): Promise<{ page: Page; openInspector(): Promise<Page> }> {
  const page = await context.newPage();
  await page.goto(`http://${server.httpAddr}/inspect${query}`);
  return {
    page,
    async openInspector() {
      const opened = context.waitForEvent("page");
      await page.locator("#stately").click();
      await page.locator("#leave").getByText("Open stately.ai").click();
      return opened;
    },
  };
}

/** Replays what a window receives until that shows what the store has. */
async function replayOf(window: Page, isShown: (id: string) => boolean = () => true): Promise<Replay> {
  const replay = new Replay();
  let wrong: readonly string[] = [];
  await until("the receiver knows what the store knows", async () => {
    for (const json of await received(window, replay.events.length)) replay.take(json);
    wrong = differences(
      replay.actors,
      (await stored()).filter(({ id }) => isShown(id)),
    );
    return wrong.length === 0;
  }).catch((error: unknown) => {
    throw new Error(wrong.join("\n"), { cause: error });
  });
  for (const event of replay.events) expectValid(event);
  return replay;
}

describeInChromium("a receiver of @statelyai/inspect", () => {
  beforeAll(async () => {
    server = await stage.server();
    client = stage.client(server.addr);
    browser = await openChromium();
    context = await browser.newContext();
    context.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    context.on("weberror", (error) => complaints.push(error.error().message));
    await serveReceiver(context);
    await stage.worker(server.addr, { id: "steady" });
    const writer = (name: string, ...dependencies: string[]) => ({
      name,
      handler: { callable: "writer" },
      dependencies,
    });
    const failing = { handler: { callable: "failing" } };
    const retry = { max_attempts: 3, backoff: "linear", backoff_base_ms: 200_000, max_backoff_ms: 200_000 };
    await register("line", [
      writer("plan"),
      writer("left", "plan"),
      writer("right", "plan"),
      writer("join", "left", "right"),
    ]);
    await register("flaky", [{ name: "shaky", ...failing, retry }]);
    await register("trip", [
      { ...writer("book"), compensate: "unbook" },
      writer("unbook"),
      { name: "pay", ...failing, dependencies: ["book"] },
    ]);
    await register("waits", [{ name: "approve", type: "signal", signal: { name: "approved" } }]);
    await register("above", [{ name: "sub", type: "child_task", child: { template: { name: "waits" } } }]);
    await register("held", [{ name: "breaks", ...failing }], { hold_on_failure: true });
  });

  afterAll(async () => {
    await browser?.close();
    await stage.end();
  });

  test("gets a demo's Tasks as valid events; replaying them gives each actor the state that the store has", async () => {
    const { page, openInspector } = await openPage();
    await page.locator("#connection").getByText("live").waitFor();
    await demo();
    const window = await openInspector();
    await demo();
    const replay = await replayOf(window);

    expect(replay.problems).toEqual([]);
    const kinds = new Set(replay.events.map(({ type }) => type));
    expect(kinds).toEqual(new Set(["@xstate.actor", "@xstate.event", "@xstate.snapshot"]));
    expect(replay.messages.some((text) => /^worker:\S+ → actor:run-tracker: report$/.test(text))).toBe(true);
    expect(new Set([...replay.actors.values()].map(({ status }) => status))).toEqual(
      new Set(["active", "done"]),
    );
    await page.close();
  });

  test("gets of one Task its log, and what follows it", async () => {
    const parent = await taskOf("above");
    const child = await until(
      "it has a child",
      async () => (await client.tasks.get(parent)).steps[0]?.childTaskId,
    );
    const { page, openInspector } = await openPage(`?task=${child}`);
    await page.locator("#connection").getByText("live").waitFor();
    await client.tasks.signal(child, "approved", {});
    await client.tasks.wait(child);
    const window = await openInspector();

    await replayOf(window, (id) => id === child);
    await page.close();
  });

  test("the browser has had nothing to complain about", () => {
    expect(complaints).toEqual([]);
  });
});
