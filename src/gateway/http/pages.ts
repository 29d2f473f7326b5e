import { limits } from "#limits/index";
import type { RemotePeer } from "../connections/remote-peer.js";
import type { HttpRequest } from "./guard.js";
import type { Outgoing } from "./outgoing.js";
import { type HttpResponse, sendText } from "./response.js";
import type { Route } from "./router.js";

/** The source of the metrics that `/metrics` shows. */
export interface MetricsSource {
  readonly contentType: string;
  render(): Promise<string>;
}

/** One request of a path that is no rpc, and the response to it. */
export interface PageCall {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** The decoded parameters of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** What stands before the path, where a host serves everything under one; else empty. */
  readonly base: string;
  /** Makes the writer of the response. @param single true for one answer, false for a stream */
  outgoing(single: boolean): Outgoing;
  /**
   * Reads what was sent.
   *
   * @throws {Fault} `invalid` if it is longer than this many bytes; or if it does not come in time
   */
  body(most: number): Promise<Buffer>;
  /** The other end; absent on a server of the host's. */
  readonly remote: RemotePeer | undefined;
}

/** Answers one request of a path that is no rpc. */
export type Page = (call: PageCall) => void | Promise<void>;

const WELCOME = `TaskRun control plane.

gRPC, gRPC-Web and Connect are served on this port, by method path, for example
  curl -H 'content-type: application/json' -d '{}' http://localhost:8080/taskrun.v1.WorkerService/ListWorkers

/health           what an operator should look at, as JSON
/health/live      the process runs
/health/ready     requests are served
/health/detailed  how each part of the server is
/metrics          numbers for Prometheus

/docs                   the operations on paths, to read and to try
/api-docs/openapi.json  the same, as a document of OpenAPI 3.1
/v1/enroll              a certificate for a worker, by its token and a CSR
/v1/tasks/{id}/events   a Task's events, live, for EventSource
`;

/** The routes of the pages that are not rpcs. */
export function pageRoutes(metrics: MetricsSource): Route<Page>[] {
  const page = (path: string, handler: Page): Route<Page> => ({ methods: ["GET", "HEAD"], path, handler });
  return [
    page("/", ({ response }) => sendText(response, 200, WELCOME)),
    page("/metrics", async ({ response, outgoing: writerOf }) => {
      const outgoing = writerOf(true);
      await outgoing.reserve(limits.metricsPageBytes);
      const text = await metrics.render();
      outgoing.count(Buffer.byteLength(text));
      sendText(response, 200, text, { "content-type": metrics.contentType });
    }),
  ];
}
