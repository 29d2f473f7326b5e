import { enroll } from "#api/enrolment/enroll";
import { run } from "#api/use-case";
import { workerUri } from "#domain/access/spiffe";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { retryAfterOf } from "#wire/faults";
import { Meter, OK, type Outcome } from "../outcome.js";
import type { Served } from "../rpc.js";
import type { Page } from "./pages.js";
import { sendProblem } from "./problem.js";
import { type HttpResponse, isGone, sendText } from "./response.js";

/** Whoever asks by a token is nobody until it has been looked at. */
const ANYBODY = { principal: "anybody", namespaces: [], roles: [] } as const;

/**
 * `POST /v1/enroll`: a certificate for programs that speak HTTP alone, such as curl. The request is `{bootstrap_token, csr}`, the answer
 * `{worker_cert, ca_cert, expires_at}`, and a failure `{error}`, as public workers know them.
 */
export function enrollPage(served: Served): Page {
  const { services, telemetry, health } = served;
  const meter = new Meter(telemetry, "taskrun.v1.EnrollmentService/Enroll", "http");
  return async ({ response, body, remote }) => {
    let outcome: Outcome = OK;
    try {
      const { token, csr } = readRequest(await body(limits.csrBytes * 2));
      const call = {
        services,
        telemetry,
        health,
        caller: ANYBODY,
        reserve: () => undefined,
        address: remote?.address,
      };
      const { worker, cert, chain, root, notAfter } = await run(enroll, { token, csr }, call);
      const answer = {
        worker_cert: `${cert}${chain}`,
        ca_cert: root,
        expires_at: new Date(notAfter).toISOString(),
        worker_id: worker.name,
        spiffe_id: workerUri(worker),
      };
      if (!isGone(response)) send(response, { status: 200, body: answer });
    } catch (error) {
      const failure = meter.outcomeOf(error);
      const { fault } = failure;
      outcome = failure;
      const answer = failureOf(fault);
      if (isGone(response)) return;
      if (answer) send(response, answer);
      else sendProblem(response, fault);
    } finally {
      meter.count(outcome);
    }
  };
}

function readRequest(body: Buffer): { readonly token: string; readonly csr: string } {
  let said: unknown;
  try {
    said = JSON.parse(body.toString("utf8"));
  } catch {
    throw wrongRequest("it is no JSON");
  }
  const { bootstrap_token: token, csr } = Object(said) as { bootstrap_token?: unknown; csr?: unknown };
  if (typeof token !== "string") throw wrongRequest("bootstrap_token is no text");
  if (typeof csr !== "string") throw wrongRequest("csr is no text");
  return { token, csr };
}

function wrongRequest(why: string): Fault {
  return new Fault("invalid", `${why}: send {"bootstrap_token": …, "csr": …}.`, { reason: "BODY_INVALID" });
}

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure in the words that public workers know, and ours behind them; undefined for one that they do not know. */
function failureOf(fault: Fault): Answer | undefined {
  const { message, reason } = fault;
  if (reason === "ENROLLMENT_OFF") return { status: 503, body: { error: message, reason } };
  switch (fault.code) {
    case "unauthenticated":
      return { status: 401, body: { error: "Invalid or expired bootstrap token", reason } };
    case "invalid":
      return {
        status: 400,
        body: { error: reason === "CSR_INVALID" ? `Failed to sign CSR: ${message}` : message, reason },
      };
    case "overloaded": {
      const seconds = Math.max(1, Math.ceil(retryAfterOf(fault) / 1_000));
      return { status: 429, body: { error: message, reason }, headers: { "retry-after": String(seconds) } };
    }
    default:
      return undefined;
  }
}

function send(response: HttpResponse, { status, body, headers = {} }: Answer): void {
  sendText(response, status, `${JSON.stringify(body)}\n`, {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...headers,
  });
}
