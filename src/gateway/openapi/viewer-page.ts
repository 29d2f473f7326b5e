import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page, PageCall } from "../http/pages.js";
import { sendNotServed } from "../http/problem.js";
import { sendText } from "../http/response.js";
import type { Route } from "../http/router.js";
import type { HttpHandler } from "../http/serve.js";
import { openApiPage } from "./page.js";

/**
 * What a listener serves, to read and to try: the document, and a page that shows it. All files of the page are of this package: it
 * works without a network.
 *
 * @param routes all routes of the listener
 */
export function apiDocsRoutes(routes: () => readonly Route<HttpHandler>[]): Route<Page>[] {
  const page = (path: string, handler: Page): Route<Page> => ({ methods: ["GET", "HEAD"], path, handler });
  return [
    page("/api-docs/openapi.json", openApiPage(routes)),
    page("/api-docs/ui", (call) => sendPage("../", call)),
    page("/docs", (call) => sendPage("", call)),
    page("/api-docs/ui/{file}", sendFile),
  ];
}

const packageRoot = () => dirname(createRequire(import.meta.url).resolve("taskrun/package.json"));
const source = (file: string) => join(packageRoot(), "src/gateway/openapi/viewer", file);

/** Nothing but the page's own files is loaded, and no text becomes markup or code. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** @param root the way from the page's folder to where the paths of the server begin */
async function sendPage(root: string, { response, outgoing }: PageCall): Promise<void> {
  const html = (await readFile(source("index.html"), "utf8")).replaceAll("{root}", root);
  outgoing(true).count(Buffer.byteLength(html));
  sendText(response, 200, html, {
    ...{ "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" },
    ...{ "content-security-policy": POLICY, "referrer-policy": "no-referrer" },
    "cross-origin-opener-policy": "same-origin",
  });
}

const SCRIPT = /^[a-z]+(-[a-z]+)*\.js$/;

async function sendFile({ response, outgoing, params: { file = "" } }: PageCall): Promise<void> {
  const isScript = SCRIPT.test(file);
  if (!isScript && file !== "viewer.css") return sendNotServed(response, "GET", `/api-docs/ui/${file}`, []);
  const path = isScript ? join(packageRoot(), "dist/src/gateway/openapi/viewer", file) : source(file);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return sendText(response, 404, NOT_BUILT);
  outgoing(true).count(Buffer.byteLength(text));
  const type = isScript ? "text/javascript; charset=utf-8" : "text/css; charset=utf-8";
  sendText(response, 200, text, { "content-type": type, "cache-control": "no-cache" });
}

const NOT_BUILT = "This file of the page is not there: in a checkout, run `npm run build`.\n";
