/**
 * The page `/inspect` in a real browser, at a real server: for eight situations its text names the state, the Step that waits
 * and the deadline. Pictures of it are left in `test-results/inspect`, to be looked at.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskRunClient } from "#client/index";
import { describeInChromium, openChromium } from "./kit/chromium.js";
import { pause, root, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
const pictures = join(root, "test-results/inspect");
let browser: Browser;
let server: Server;
let client: TaskRunClient;
/** What the browser has complained about. */
const complaints: string[] = [];

async function open(query = "", colorScheme: "light" | "dark" = "light"): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`http://${server.httpAddr}/inspect${query}`);
  return page;
}

async function register(name: string, steps: readonly object[], more: object = {}): Promise<void> {
  const source = JSON.stringify({ name, namespace_name: "default", version: "1.0.0", steps, ...more });
  await client.templates.register(source);
}

const taskOf = async (name: string) =>
  (await client.tasks.create({ template: { namespace: "default", name, version: "1.0.0" }, input: {} })).id;

/** The text of the page about a Task, once it has all of these. */
async function textAbout(id: string, ...parts: readonly RegExp[]): Promise<string> {
  const page = await open(`?task=${id}`);
  try {
    let text = "";
    await until(`the page says ${parts.join(" and ")}; it says ${text}`, async () => {
      text = (await page.locator("#situation").innerText()).replace(/\s+/g, " ");
      return parts.every((part) => part.test(text));
    }).catch((error: unknown) => {
      throw new Error(`the page says: ${text}`, { cause: error });
    });
    return text;
  } finally {
    await page.close();
  }
}

const CLOCK = String.raw`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d, in [\dhms. d]+`;
const at = (means: string) => new RegExp(`${means} at ${CLOCK}`);

describeInChromium("the page /inspect", () => {
  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    server = await stage.server({ lease: "20s" });
    client = stage.client(server.addr);
    browser = await openChromium({ env: { ...process.env, TZ: "UTC" } });
    await stage.worker(server.addr, { id: "steady" });
  });

  afterAll(async () => {
    await browser?.close();
    await stage.end();
  });

  test("waiting for a worker", async () => {
    const { id } = await client.tasks.create({ agent: "nobody-runs-it", input: {}, timeoutMs: 600_000 });
    await textAbout(
      id,
      /enqueuing_steps/,
      /Step main \(enqueued\) waits for a worker that runs nobody-runs-it/,
      at("the Task times out"),
    );
  });

  test("in backoff", async () => {
    const retry = { max_attempts: 3, backoff: "linear", backoff_base_ms: 500_000, max_backoff_ms: 500_000 };
    await register("flaky", [{ name: "shaky", handler: { callable: "failing" }, retry }]);
    const id = await taskOf("flaky");
    await textAbout(
      id,
      /waiting_for_retry/,
      /Step shaky \(waiting_for_retry\) is in backoff \(attempt 1 of 3/,
      at("it is tried again"),
    );
  });

  test("at a timer, and at a signal", async () => {
    await register("waits", [
      { name: "nap", type: "timer", timer: { delay_ms: 900_000 } },
      { name: "approve", type: "signal", signal: { name: "approved", timeout_ms: 800_000 } },
    ]);
    const id = await taskOf("waits");
    await textAbout(
      id,
      /enqueuing_steps|steps_in_process/,
      /Step nap \(in_progress\) waits at its timer/,
      at("it completes"),
    );
    await textAbout(id, /Step approve \(in_progress\) waits for signal approved/, at("it waits no longer"));
  });

  test("at a child", async () => {
    await register("above", [{ name: "sub", type: "child_task", child: { template: { name: "waits" } } }], {
      lifecycle: { max_duration_minutes: 30 },
    });
    const id = await taskOf("above");
    await textAbout(
      id,
      /Step sub \(in_progress\) waits for its child, Task …[0-9a-f]{8}, which is in/,
      at("the Task times out"),
    );
  });

  test("held by failures", async () => {
    await register("held", [{ name: "breaks", handler: { callable: "failing" } }], { hold_on_failure: true });
    const id = await taskOf("held");
    await textAbout(
      id,
      /blocked_by_failures/,
      /Step breaks \(error\) has failed for good/,
      at("the Task fails"),
    );
  });

  test("a lost worker", async () => {
    const worker = await stage.worker(server.addr, { id: "doomed", exec: ["napper=sleep 600"] });
    const { id } = await client.tasks.create({ agent: "napper", input: {} });
    const page = await open();
    await page.locator("#filter").fill(id);
    const text = () => page.locator("#situation").innerText();
    await until("it runs", async () => /runs on worker doomed/.test(await text()));
    await worker.end("SIGKILL");
    await until("it is lost", async () =>
      /steps_in_process[\s\S]*Step main \(in_progress\) is on worker doomed, which has lost its connection/.test(
        await text(),
      ),
    );
    expect((await text()).replace(/\s+/g, " ")).toMatch(at("the Run is lost"));
    const again =
      /Step main \((waiting_for_retry|enqueued)\) (has lost its worker doomed|waits for a worker that runs napper)/;
    await until("it is tried again", async () => again.test((await text()).replace(/\s+/g, " ")));
    await page.close();
  });

  test("compensating", async () => {
    await register("trip", [
      { name: "book", handler: { callable: "writer" }, compensate: "unbook" },
      { name: "unbook", handler: { callable: "nobody-unbooks" } },
      { name: "pay", handler: { callable: "failing" }, dependencies: ["book"] },
    ]);
    const id = await taskOf("trip");
    const compensatedBy = await until("it is compensated", async () => {
      return (await client.tasks.get(id)).compensatedBy || undefined;
    });
    const waits = /Step \S+ \(enqueued\) waits for a worker that runs nobody-unbooks, to compensate/;
    await textAbout(id, /error/, waits, /it, in Task …/);
    await textAbout(compensatedBy, /enqueuing_steps/, waits, /no deadline/);
  });

  test("the tree, the chart with the lit state and the messages, light and dark; and back through them", async () => {
    const id = await taskOf("waits");
    for (const scheme of ["light", "dark"] as const) {
      const page = await open("", scheme);
      await page.locator("#filter").fill(id);
      await page.locator(`#tree [title^="step:${id}/nap "]`).click();
      await until("the state is lit", async () => (await page.locator("g.state[data-active]").count()) > 0);
      expect(await page.locator("g.state[data-active] .key").innerHTML()).toBe("in_progress");
      await page.screenshot({ path: join(pictures, `chart-step-${scheme}.png`) });
      await page.locator(`#tree [title^="task:${id} "]`).click();
      await page.screenshot({ path: join(pictures, `chart-task-${scheme}.png`) });
      await page.close();
    }
    const page = await open(`?task=${id}`);
    await until("its log is there", async () => (await page.locator(".message-row:visible").count()) > 4);
    await page.locator("#first").click();
    expect(await page.locator("#place").innerText()).toMatch(/^1 of \d+$/);
    expect(await page.locator("#chart-state").innerText()).toBe("pending");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#place").innerText()).toMatch(/^2 of \d+$/);
    await page.screenshot({ path: join(pictures, "replay.png") });
    await page.setViewportSize({ width: 420, height: 800 });
    await page.screenshot({ path: join(pictures, "narrow.png") });
    await page.close();
  });

  test("an ended Task is replayed from its log; one that there is not is said to be none", async () => {
    const { id } = await client.tasks.create({ agent: "writer", input: { chunks: 2 } });
    await client.tasks.wait(id);
    const page = await open(`?task=${id}`);
    const connection = page.locator("#connection");
    await expect.poll(() => connection.innerText()).toBe("replay of an ended Task");
    await until("it has ended", async () =>
      /complete[\s\S]*it has ended/.test(await page.locator("#situation").innerText()),
    );
    await page.locator("#first").click();
    expect(await page.locator("#chart-state").innerText()).toBe("pending");
    await page.close();

    const nobody = await open("?task=00000000-0000-7000-8000-000000000000");
    await nobody.getByText("no such Task").waitFor();
    await nobody.close();
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes("404")));
  });

  test("names are names: no script runs, nothing is loaded, and the page keeps its shape", async () => {
    const page = await open();
    const evil = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>"\'`\u0024{window.hit=1}';
    const { id } = await client.tasks.create({
      agent: evil.slice(0, 100),
      input: {},
      labels: { [evil.slice(0, 40)]: evil },
    });
    await client.tasks.create({ agent: `${"w".repeat(200)}`, input: {} });
    // A row that has scrolled away is hidden, with the text it had, until another needs its place.
    await page.locator('#tree [role="treeitem"]:visible', { hasText: "<img" }).first().click();
    await until("its name is text", async () =>
      (await page.locator("#situation").innerText()).includes("<img src=x"),
    );
    await pause(300);

    expect(await page.evaluate("'hit' in window")).toBe(false);
    expect(await page.locator("main img, main script").count()).toBe(0);
    const size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]";
    expect(await page.evaluate(size)).toEqual([1280, 800]);
    await page.screenshot({ path: join(pictures, "hostile-names.png") });
    await page.close();
    await client.tasks.cancel(id);
  });

  test("nothing leaves this machine before it is agreed to, and then only to the window that has said it listens", async () => {
    const page = await open();
    const context = page.context();
    const asked: string[] = [];
    await context.route("https://stately.ai/**", (route) => {
      asked.push(route.request().url());
      const body = `<script>window.got=[];addEventListener("message",(e)=>got.push(e.data));opener.postMessage({type:"@statelyai.connected"},"*")</script>`;
      return route.fulfill({ contentType: "text/html", body });
    });
    await page.locator("#stately").click();
    await page.locator("#leave").getByText("Stay here").click();
    await pause(200);
    expect(asked).toEqual([]);

    await page.locator("#stately").click();
    const opened = context.waitForEvent("page");
    await page.locator("#leave").getByText("Open stately.ai").click();
    const window = await opened;
    const got = () => window.evaluate<{ type: string; _version: string }[]>("got");
    await until("events arrive", async () => (await got()).length > 4);
    expect((await got())[0]).toMatchObject({ type: "@xstate.actor", _version: "0.7.2" });
    await window.close();
    await page.close();
  });

  test("the browser has had nothing to complain about", () => {
    expect(complaints).toEqual([]);
  });
});
