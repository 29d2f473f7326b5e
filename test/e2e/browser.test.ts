/** The example page in a real browser, on an origin of its own: it creates Tasks, reads them live, and cancels one. */
import { once } from "node:events";
import { createServer } from "node:http";
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

  afterEach(() => page?.close());

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
    const evil = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<title>evil</title>");
    }).listen(0, "127.0.0.1");
    await once(evil, "listening");
    const plane = new URL(url).searchParams.get("server") ?? "";
    page = await openPage(`http://evil.example:${(evil.address() as AddressInfo).port}/`);
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
    evil.close();
    evil.closeAllConnections();

    expect(got).toEqual(Array(3).fill("TypeError: Failed to fetch"));
    expect(complaints.join("\n")).toMatch(/blocked by CORS policy/);
  });
});
