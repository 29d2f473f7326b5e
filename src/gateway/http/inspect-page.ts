import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page, PageCall } from "./pages.js";
import { sendNotServed } from "./problem.js";
import { sendText } from "./response.js";
import type { Route } from "./router.js";

/** The page `/inspect` and its files, which are all of this package: it works without a network. */
export function inspectPageRoutes(): Route<Page>[] {
  const page = (path: string, handler: Page): Route<Page> => ({ methods: ["GET", "HEAD"], path, handler });
  return [
    page("/inspect", sendPage),
    page("/inspect/dagre.js", (call) => sendFile(dagre(), call)),
    page("/inspect/{folder}/{file}", async (call) => {
      const { folder = "", file = "" } = call.params;
      const path = pathOf(folder, file);
      if (path) await sendFile(path, call);
      else sendNotServed(call.response, "GET", `/inspect/${folder}/${file}`, []);
    }),
  ];
}

const packageOf = createRequire(import.meta.url);
const root = () => dirname(packageOf.resolve("taskrun/package.json"));
/** Its module for browsers lies beside the one that Node requires. */
const dagre = () => join(dirname(packageOf.resolve("@dagrejs/dagre")), "dagre.esm.js");

/** Where a file lies; undefined if it is none of the page's. What is written by hand stands with its source. */
function pathOf(folder: string, file: string): string | undefined {
  const isScript = /^[a-z]+(-[a-z]+)*\.js$/.test(file);
  if (folder === "limits" && file === "inspect-page.js") return join(root(), "dist/src/limits", file);
  if (isScript && (folder === "page" || folder === "view"))
    return join(root(), "dist/src/inspect", folder, file);
  const isWritten = /^[a-z]+\.css$/.test(file) || file === "icon.svg";
  return folder === "page" && isWritten ? join(root(), "src/inspect/page", file) : undefined;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

async function sendPage(call: PageCall): Promise<void> {
  const path = join(root(), "src/inspect/page/index.html");
  const html = await readFile(path, "utf8");
  const [, map = ""] = /<script type="importmap">(.*?)<\/script>/s.exec(html) ?? [];
  await sendFile(path, call, {
    "content-security-policy": policyFor(createHash("sha256").update(map).digest("base64")),
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "referrer-policy": "no-referrer",
  });
}

/**
 * Nothing but the page's own files is loaded, and no text becomes markup or code. The names of modules are mapped in the page
 * itself, since browsers read such a map nowhere else; it is known by its digest.
 */
function policyFor(map: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${map}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

async function sendFile(
  path: string,
  { response, outgoing }: PageCall,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) {
    sendText(
      response,
      404,
      "This file of the inspector's page is not there: in a checkout, run `npm run build`.\n",
    );
    return;
  }
  outgoing(true).count(Buffer.byteLength(text));
  const type = types[path.slice(path.lastIndexOf(".") + 1)] ?? "text/plain";
  sendText(response, 200, text, { "content-type": type, "cache-control": "no-cache", ...headers });
}
