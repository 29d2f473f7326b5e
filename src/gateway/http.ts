import { createServer as createHttp1 } from "node:http";
import {
  constants,
  createServer as createHttp2,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Server } from "node:net";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { limits } from "#domain/limits";
import type { Log } from "#ports/telemetry";
import { peerKey } from "./connect.js";
import type { Health } from "./health.js";
import { type HttpRequest, refusalOf } from "./http-guard.js";
import { type HttpResponse, type MetricsSource, sendText, servePage } from "./http-pages.js";
import { sniffingServer } from "./sniff.js";

/** A request of 4 MiB at a tenth of a megabyte a second; streams come over HTTP/2, which has no such limit. */
const REQUEST_MS = 40_000;
/** How long an idle HTTP/1.1 connection is kept for the next request. */
const KEEP_ALIVE_MS = 5_000;
/** How long an HTTP/2 stream may stay half open once it has been answered: several round trips. */
const HALF_OPEN_MS = 5_000;

export interface HttpParts {
  readonly handlers: ReadonlyMap<string, UniversalHandler>;
  readonly health: Health;
  readonly metrics: MetricsSource;
  readonly allowedHosts: ReadonlySet<string>;
  readonly log: Log;
}

/** Everything that is spoken over HTTP on one port, not yet bound. */
export interface HttpDoor {
  readonly server: Server;
  /** Takes no more connections and lets open requests finish. Resolves when the last connection is closed. */
  close(): Promise<void>;
  /** Closes all connections at once. */
  destroy(): void;
}

export function httpDoor(parts: HttpParts): HttpDoor {
  const onRequest = (request: HttpRequest, response: HttpResponse): void => {
    serve(request, response, parts).catch((error: unknown) => {
      parts.log.debug("an HTTP response was cut short", { err: error });
      if (response.headersSent) response.destroy();
      else sendText(response, 500, "Something failed inside; the server's log says what.\n");
    });
  };
  const http1 = createHttp1({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headers,
    connectionsCheckingInterval: limits.headers,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  }).on("request", onRequest);
  // A server that does not listen itself looks at these timeouts only once it believes that it does.
  http1.emit("listening");

  const sessions = new Set<ServerHttp2Session>();
  const http2 = createHttp2({
    settings: {
      maxConcurrentStreams: limits.streamsPerClientConnection,
      maxHeaderListSize: limits.headerBytes,
    },
  })
    .on("request", onRequest)
    .on("sessionError", () => undefined)
    .on("session", (session) => {
      sessions.add(session);
      const stop = keepAlive(session);
      session.on("error", () => undefined);
      session.once("close", () => {
        sessions.delete(session);
        stop();
      });
    });

  const server = sniffingServer({ http1, http2 });
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        http1.close();
        http1.closeIdleConnections();
        for (const session of sessions) session.close();
      }),
    destroy: () => {
      http1.closeAllConnections();
      for (const session of sessions) session.destroy();
    },
  };
}

async function serve(request: HttpRequest, response: HttpResponse, parts: HttpParts): Promise<void> {
  // A peer that is gone shows as an error of the response; whoever writes notices by itself.
  response.on("error", () => undefined);
  const refusal = refusalOf(request, parts.allowedHosts);
  if (refusal) {
    sendText(response, refusal.status, refusal.text);
    return;
  }
  const [path = ""] = (request.url ?? "").split("?", 1);
  const handler = parts.handlers.get(path);
  if (!handler) return servePage(request, response, parts);

  const contextValues = createContextValues().set(peerKey, {
    sendHeaders: (header) => writeHead(response, { status: 200, header }),
    hangUp: () => response.destroy(),
  });
  try {
    const answer = await handler(
      universalRequestFromNodeRequest(request, response, undefined, contextValues),
    );
    await writeAnswer(answer, response);
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Aborted) throw error;
  }
}

/** Like connect-node's own, except that the headers may have been sent before. */
async function writeAnswer(answer: UniversalServerResponse, response: HttpResponse): Promise<void> {
  writeHead(response, answer);
  for await (const chunk of answer.body ?? []) {
    if (!writeChunk(response, chunk)) await drained(response);
    if (response.destroyed) break;
  }
  if (response.destroyed) return;
  if (answer.trailer) response.addTrailers(Object.fromEntries(new Headers(answer.trailer)));
  response.end();
  if ("stream" in response) closeSoon(response.stream);
}

/** A peer that has its answer and never says that it is done would keep its stream, one of a hundred. */
function closeSoon(stream: ServerHttp2Stream): void {
  const late = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), HALF_OPEN_MS).unref();
  stream.once("close", () => clearTimeout(late));
}

function writeHead(
  response: HttpResponse,
  { status, header }: Pick<UniversalServerResponse, "status" | "header">,
): void {
  if (response.headersSent || response.destroyed) return;
  const headers = Object.fromEntries(new Headers(header));
  if ("stream" in response) {
    response.writeHead(status, headers);
  } else {
    response.writeHead(status, headers);
    response.flushHeaders();
  }
}

/** @returns false if the next chunk is to wait until the response has drained */
function writeChunk(response: HttpResponse, chunk: Uint8Array): boolean {
  return "stream" in response ? response.write(chunk) : response.write(chunk);
}

function drained(response: HttpResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
    if (response.destroyed) done();
  });
}

/** Closes a session whose peer does not answer a ping. */
function keepAlive(session: ServerHttp2Session): () => void {
  let answerDue: NodeJS.Timeout | undefined;
  const pinging = setInterval(() => {
    if (session.destroyed) return;
    answerDue = setTimeout(() => session.destroy(), limits.keepaliveTimeout).unref();
    session.ping(() => clearTimeout(answerDue));
  }, limits.keepalivePing).unref();
  return () => {
    clearInterval(pinging);
    clearTimeout(answerDue);
  };
}
