/**
 * Stands for Stately's inspector: a window with the receiver of `@statelyai/inspect` as it is published, which collects what it
 * receives. Nothing but files of `node_modules` is loaded.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { root } from "./harness.js";

/** The library, and what it imports. */
const modules = {
  "@statelyai/inspect": "@statelyai/inspect/dist/index.mjs",
  "#uuid": "@statelyai/inspect/dist/uuid-browser.mjs",
  "fast-safe-stringify": "fast-safe-stringify/index.js",
  "isomorphic-ws": "isomorphic-ws/browser.js",
  partysocket: "partysocket/dist/index.mjs",
  "safe-stable-stringify": "safe-stable-stringify/esm/wrapper.js",
  superjson: "superjson/dist/esm/index.js",
  "copy-anything": "copy-anything/dist/index.js",
  "is-what": "is-what/dist/index.js",
  xstate: "xstate/dist/xstate.esm.js",
};

/** Those that are CommonJS, which a browser does not load as it is. */
const commonJs = ["fast-safe-stringify/index.js", "safe-stable-stringify/index.js"];

const imports = Object.fromEntries(Object.entries(modules).map(([name, path]) => [name, `/modules/${path}`]));

const html = `<!doctype html>
<link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
import { createBrowserReceiver } from "@statelyai/inspect";
window.received = [];
createBrowserReceiver().subscribe((event) => window.received.push(event));
</script>`;

/** Serves the receiver in the place of Stately's page to the windows of a context. */
export async function serveReceiver(context: BrowserContext): Promise<void> {
  await context.route("https://stately.ai/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/inspect") return route.fulfill({ contentType: "text/html", body: html });
    // superjson leaves it out.
    const end = /\.m?js$/.test(pathname) ? "" : ".js";
    const path = pathname.replace("/modules/", "") + end;
    const text = await readFile(join(root, "node_modules", path), "utf8");
    const isCommonJs = commonJs.includes(path);
    const body = isCommonJs
      ? `const module = { exports: {} };\nlet { exports } = module;\n${text}\nexport default module.exports;`
      : text;
    return route.fulfill({ contentType: "text/javascript", body });
  });
}

/** What the receiver in a window has received so far, each event as JSON, from one of them on. */
export function received(window: Page, from: number): Promise<readonly string[]> {
  return window.evaluate<string[]>(
    `(window.received ?? []).slice(${from}).map((event) => JSON.stringify(event))`,
  );
}
