/** The page of the API in a real browser, at a real server: it shows what there is, and asks for it with the caller's key. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInChromium, openChromium } from "./kit/chromium.js";
import { type Server, Stage } from "./kit/harness.js";

const stage = new Stage();
let browser: Browser;
let server: Server;

describeInChromium("the page /docs", () => {
  beforeAll(async () => {
    server = await stage.server();
    browser = await openChromium();
    await stage.worker(server.addr, { id: "steady" });
  });
  afterAll(async () => {
    await browser?.close();
    await stage.end();
  });

  /** What the browser has complained about, and whom it has asked. */
  async function open(
    path: string,
  ): Promise<{ page: Page; complaints: string[]; hosts: Set<string>; keys: string[] }> {
    const page = await browser.newPage();
    const [complaints, keys, hosts]: [string[], string[], Set<string>] = [[], [], new Set()];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      hosts.add(new URL(request.url()).host);
      keys.push(request.headers().authorization ?? "");
    });
    await page.goto(`http://${server.httpAddr}${path}`);
    return { page, complaints, hosts, keys };
  }

  test.each(["/docs", "/api-docs/ui"])(
    "%s lists the operations, finds one, and asks for it",
    async (path) => {
      const { page, complaints, hosts, keys } = await open(path);
      const operations = page.locator(".operation");
      await operations.first().waitFor();
      expect(await operations.count()).toBeGreaterThan(40);

      await page.locator("#filter").fill("get /v1/workers workers:read");
      await expect.poll(() => page.locator(".operation:visible").count()).toBe(2);
      await page.locator("#key").fill("some-key");
      const list = page.locator("#WorkerService_ListWorkers");
      await list.locator("summary").first().click();
      expect(await list.innerText()).toContain("agent_name");
      await list.getByRole("button", { name: "Send" }).click();
      await expect.poll(() => list.locator(".status").innerText()).toMatch(/^200 .*GET \/v1\/workers/);
      expect(JSON.parse(await list.locator("pre").first().innerText()).workers[0].worker_id).toBe("steady");

      const one = page.locator("#WorkerService_GetWorker");
      await one.locator("summary").first().click();
      await one.getByLabel("worker_id").fill("nobody/here");
      await one.getByRole("button", { name: "Send" }).click();
      await expect.poll(() => one.locator(".status").innerText()).toMatch(/^404 .*nobody%2Fhere/);
      expect(await one.locator("pre").first().innerText()).toContain("NOT_FOUND");

      // The browser tells of an answer of 404 that it was one.
      expect(complaints.filter((text) => !text.includes("404"))).toEqual([]);
      expect([...hosts]).toEqual([server.httpAddr]);
      expect(keys).toContain("Bearer some-key");
      await page.close();
    },
  );

  test("a Task is run by its form, and an answer that is markup stays a text", async () => {
    const { page, complaints } = await open("/docs");
    const run = page.locator("#TaskService_RunTask");
    await run.locator("summary").first().click();
    const input = JSON.stringify({ prompt: "<img src=x onerror=alert(1)>" });
    await run.getByLabel("Body").fill(JSON.stringify({ agent_name: "nobody-runs-it", input_json: input }));
    await run.getByLabel("wait_ms").fill("1");
    await run.getByRole("button", { name: "Send" }).click();
    await expect.poll(() => run.locator(".status").innerText()).toMatch(/^200 /);
    expect(await run.locator("pre").first().innerText()).toContain("<img src=x onerror=alert(1)>");
    expect(await page.locator("pre img").count()).toBe(0);

    await run.getByLabel("Body").fill("{");
    await run.getByRole("button", { name: "Send" }).click();
    await expect.poll(() => run.locator(".status").innerText()).toMatch(/^400 /);
    expect(complaints.filter((text) => !text.includes("400"))).toEqual([]);
    await page.close();
  });
});
