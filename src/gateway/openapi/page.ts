import { createRequire } from "node:module";
import type { Page } from "../http/pages.js";
import { sendText } from "../http/response.js";
import type { Route } from "../http/router.js";
import type { HttpHandler } from "../http/serve.js";
import { isKnown, tagOf } from "../rest/etag.js";
import { openApiDocument } from "./document.js";
import { readComments, readRecords } from "./records.js";

/**
 * `GET /api-docs/openapi.json`: what this listener serves, as a document of OpenAPI 3.1. It is made when it is asked for first.
 *
 * @param routes all routes of the listener
 */
export function openApiPage(routes: () => readonly Route<HttpHandler>[]): Page {
  let made: { readonly text: string; readonly tag: string } | undefined;
  return async ({ request, response, outgoing: writerOf }) => {
    if (!made) {
      const text = textOf(routes());
      made = { text, tag: tagOf(text) };
    }
    const headers = { "cache-control": "no-cache", etag: made.tag };
    if (isKnown(request.headers["if-none-match"], made.tag)) {
      response.writeHead(304, headers);
      response.end();
      return;
    }
    const outgoing = writerOf(true);
    await outgoing.reserve(Buffer.byteLength(made.text));
    outgoing.count(Buffer.byteLength(made.text));
    sendText(response, 200, made.text, { "content-type": "application/json", ...headers });
  };
}

function textOf(routes: readonly Route<HttpHandler>[]): string {
  const { version } = createRequire(import.meta.url)("#package.json") as { version: string };
  const parts = { version, comments: readComments(), records: readRecords() };
  return `${JSON.stringify(openApiDocument(routes, parts))}\n`;
}
