/** The example page in a real browser, on an origin of its own: it creates Tasks, reads them live, and cancels one. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { describeInChromium, openChromium } from "./kit/chromium.js";
import { Proc, root, Stage } from "./kit/harness.js";

const stage = new Stage();
let browser: Browser;
let server: Proc;
let url: string;
let page: Page;
/** What the browser has complained about. */
let complaints: string[];

/** A page that is read over by nobody: it says what it complains about. */
async function openPage(address: string): Promise<Page> {
  const opened = await browser.newPage();
  opened.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  opened.on("pageerror", (error) => complaints.push(error.message));
  await opened.goto(address);
  return opened;
}

const sites: Server[] = [];

/** An empty page on an origin of its own, which is this machine under another name. */
async function origin(host: string): Promise<string> {
  const site = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end('<link rel="icon" href="data:,">');
  }).listen(0, "127.0.0.1");
  sites.push(site);
  await once(site, "listening");
  return `http://${host}:${(site.address() as AddressInfo).port}`;
}

describeInChromium("a page in a browser", () => {
  beforeAll(async () => {
    server = new Proc([join(root, "examples/browser/serve.mjs")], stage.dir, { PORT: "0" });
    [browser, url] = await Promise.all([
      openChromium(),
      server.said("the page's address", ({ stdout }) => /^http:\S+/.exec(stdout)?.[0]),
    ]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.end("SIGTERM");
    await stage.end();
  });

  afterEach(async () => {
    await page?.close();
    for (const site of sites.splice(0)) {
      site.close();
      site.closeAllConnections();
    }
  });

  test.each(["plain", "connect"])("starts Tasks, reads their output, and cancels one (%s)", async (way) => {
    complaints = [];
    page = await openPage(url);
    const start = async (to: number) => {
      await page.fill("[name=to]", String(to));
      await page.selectOption("[name=way]", way);
      const before = await page.locator("li").count();
      await page.click("form button");
      await expect.poll(() => page.locator("li").count()).toBe(before + 1);
    };
    await start(5);
    const first = page.locator("li").last();
    await first.getByText("TASK_STATUS_RUNNING").waitFor();
    await start(1_000);
    const second = page.locator("li").first();
    await second.locator("pre", { hasText: /1\n2\n/ }).waitFor();
    await second.getByText("Cancel").click();
    await second.getByText("TASK_STATUS_CANCELLED").waitFor();
    await first.getByText("TASK_STATUS_COMPLETED").waitFor();

    expect(await first.locator("pre").textContent()).toBe("1\n2\n3\n4\n5\n");
    expect(await page.locator("button:disabled").count()).toBe(2);
    expect(await page.textContent("[role=alert]")).toBe("");
    expect(complaints).toEqual([]);
  });

  test.each(["plain", "connect"])("reads why a request was refused (%s)", async (way) => {
    complaints = [];
    page = await openPage(url);
    await page.locator("[name=to]").evaluate((field) => field.removeAttribute("max"));
    await page.fill("[name=to]", "5000");
    await page.selectOption("[name=way]", way);
    await page.click("form button");
    await page.locator("[role=alert]", { hasText: /to|input/ }).waitFor();

    expect(await page.textContent("[role=alert]")).toMatch(/input_json|1000|5000/);
  });

  test("of an origin that is not allowed gets nothing, and is told so by the browser", async () => {
    complaints = [];
    const plane = new URL(url).searchParams.get("server") ?? "";
    page = await openPage(await origin("evil.example"));
    const got = await page.evaluate(async (address) => {
      const headers = { "content-type": "application/json" };
      const create = { method: "POST", headers, body: '{"agentName":"count","inputJson":"{\\"to\\":1}"}' };
      const outcomes: string[] = [];
      for (const [path, init] of [
        ["/taskrun.v1.TaskService/CreateTask", create],
        ["/health", {}],
        ["/v1/tasks/x/events", {}],
      ] as const) {
        const outcome = fetch(address + path, init).then(
          ({ status }) => `${status}`,
          (error: unknown) => String(error),
        );
        outcomes.push(await outcome);
      }
      return outcomes;
    }, plane);

    expect(got).toEqual(Array(3).fill("TypeError: Failed to fetch"));
    expect(complaints.join("\n")).toMatch(/blocked by CORS policy/);
  });

  test("goes on with a Task's events by itself when their server has died, and stops when they are over", async () => {
    complaints = [];
    const site = await origin("app.example");
    const plane = await stage.server({ origins: [site] });
    await stage.worker(plane.addr, { id: "w" });
    const { id } = await stage
      .client(plane.addr)
      .tasks.create({ agent: "writer", input: { chunks: 80, delayMs: 100, bytes: 10 } });
    page = await openPage(site);
    await page.evaluate((address) => {
      // What the browser has of its own, which Node's types do not name.
      const { EventSource } = globalThis as unknown as { EventSource: new (url: string) => Source };
      interface Source {
        readonly readyState: number;
        addEventListener(kind: string, listener: (event: { lastEventId: string }) => void): void;
      }
      const seen = { ids: [] as string[], opened: 0, ended: 0, state: () => source.readyState };
      const source = new EventSource(address);
      source.addEventListener("open", () => void seen.opened++);
      source.addEventListener("end", () => void seen.ended++);
      for (const kind of ["taskChanged", "stepChanged", "runChanged", "output"]) {
        source.addEventListener(kind, ({ lastEventId }) => void seen.ids.push(lastEventId));
      }
      Object.assign(globalThis, { seen });
    }, `http://${plane.httpAddr}/v1/tasks/${id}/events`);
    const seen = () =>
      page.evaluate(() => {
        const { seen } = globalThis as unknown as { seen: Seen & { state(): number } };
        return { ids: seen.ids, opened: seen.opened, ended: seen.ended, state: seen.state() };
      });
    await expect.poll(async () => (await seen()).ids.length).toBeGreaterThan(10);
    await plane.restart();
    await expect.poll(async () => (await seen()).state).toBe(2);

    const { ids, opened, ended } = await seen();
    expect(ids.map(Number)).toEqual(ids.map((_, i) => i + 1));
    expect(ids.length).toBeGreaterThan(80);
    // Once more after the end, which this page does not look at: then it is sent away for good.
    expect([opened, ended]).toEqual([2, 1]);
  });
});

interface Seen {
  readonly ids: string[];
  readonly opened: number;
  readonly ended: number;
}
