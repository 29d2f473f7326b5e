import { limits } from "#domain/limits";
import type { Health } from "./health.js";
import type { HttpRequest } from "./http-guard.js";
import type { HttpResponse } from "./http-response.js";
import type { Outgoing } from "./outgoing.js";

/** Where the numbers come from that `/metrics` shows. */
export interface MetricsSource {
  readonly contentType: string;
  render(): Promise<string>;
}

const WELCOME = `TaskRun control plane.

gRPC, gRPC-Web and Connect are served on this port, by method path, for example
  curl -H 'content-type: application/json' -d '{}' http://localhost:8080/taskrun.v1.WorkerService/ListWorkers

/health        what an operator should look at, as JSON
/health/live   the process runs
/health/ready  requests are served
/metrics       numbers for Prometheus
`;

/** The few pages that are not rpcs. */
export async function servePage(
  request: HttpRequest,
  response: HttpResponse,
  { health, metrics }: { readonly health: Health; readonly metrics: MetricsSource },
  outgoing: Outgoing,
): Promise<void> {
  const [path] = (request.url ?? "").split("?", 1);
  if (request.method !== "GET" && request.method !== "HEAD") {
    sendText(response, 404, `${request.method} ${path} is not served here; see / for what is.\n`);
    return;
  }
  switch (path) {
    case "/":
      return sendText(response, 200, WELCOME);
    case "/health":
      return sendHealth(response, health);
    case "/health/live":
      return sendText(response, 200, "live\n");
    case "/health/ready":
      return health.serving ? sendText(response, 200, "ready\n") : sendText(response, 503, "not ready\n");
    case "/metrics":
      await outgoing.reserve(limits.metricsPageBytes);
      return sendText(response, 200, await metrics.render(), metrics.contentType, outgoing);
    default:
      return sendText(response, 404, `${path} is not served here; see / for what is.\n`);
  }
}

function sendHealth(response: HttpResponse, { report }: Health): void {
  const status = report.status === "unavailable" ? 503 : 200;
  sendText(response, status, `${JSON.stringify(report)}\n`, "application/json");
}

export function sendText(
  response: HttpResponse,
  status: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
  outgoing?: Outgoing,
): void {
  const length = Buffer.byteLength(text);
  outgoing?.count(length);
  const headers = {
    "content-type": contentType,
    "content-length": length,
    "x-content-type-options": "nosniff",
  };
  // The two kinds of response have one method of the same shape, which their types do not share.
  if ("stream" in response) response.writeHead(status, headers);
  else response.writeHead(status, headers);
  response.end(text);
}
