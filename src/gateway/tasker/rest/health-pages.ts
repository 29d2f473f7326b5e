import {
  DetailedHealthResponseSchema,
  HealthResponseSchema,
  ReadinessResponseSchema,
} from "#wire/gen/tasker/v1/health_pb";
import {
  WorkerBasicHealthResponseSchema,
  WorkerDetailedHealthResponseSchema,
  WorkerReadinessResponseSchema,
} from "#wire/gen/tasker/v1/worker_pb";
import type { Page } from "../../http/pages.js";
import { sendText } from "../../http/response.js";
import type { Route } from "../../http/router.js";
import type { Served } from "../../rpc.js";
import { basic, detailedHealth, readiness } from "../services/health-service.js";
import * as ofWorker from "../services/worker-health-service.js";
import { type Parts, textOf } from "./json.js";
import { taskersParts } from "./wire-json.js";

/**
 * The health of the server, for operators, load balancers and tools: as Tasker's clients read it. `/health` also has what an
 * operator should look at. They are answered as long as the process can answer at all.
 */
export function healthRoutes(served: Served): Route<Page>[] {
  const readyStatus = () => (served.health.serving ? 200 : 503);
  return [
    page("/health", () => {
      const { report } = served.health;
      const { timestamp } = taskersParts(HealthResponseSchema, basic("", served));
      return { status: report.status === "unavailable" ? 503 : 200, body: { ...plain(report), timestamp } };
    }),
    page("/health/live", () => {
      return { status: 200, body: taskersParts(HealthResponseSchema, basic("alive", served)) };
    }),
    page("/health/ready", () => {
      return { status: readyStatus(), body: taskersParts(ReadinessResponseSchema, readiness(served)) };
    }),
    page("/health/detailed", () => {
      return {
        status: readyStatus(),
        body: taskersParts(DetailedHealthResponseSchema, detailedHealth(served)),
      };
    }),
  ];
}

/** The same in the place of a worker of Tasker's (see `services/worker-health-service.ts`). */
export function workerHealthRoutes(served: Served): Route<Page>[] {
  const readyStatus = () => (served.health.serving ? 200 : 503);
  const basicOf = (status: string) =>
    taskersParts(WorkerBasicHealthResponseSchema, ofWorker.basic(status, served));
  return [
    page("/health", () => ({ status: 200, body: basicOf("healthy") })),
    page("/health/live", () => ({ status: 200, body: basicOf("alive") })),
    page("/health/ready", () => {
      return {
        status: readyStatus(),
        body: taskersParts(WorkerReadinessResponseSchema, ofWorker.readiness(served)),
      };
    }),
    page("/health/detailed", () => {
      const parts = taskersParts(WorkerDetailedHealthResponseSchema, ofWorker.detailedHealth(served));
      return { status: readyStatus(), body: parts };
    }),
  ];
}

interface Told {
  readonly status: 200 | 503;
  readonly body: Parts;
}

function page(path: string, tell: () => Told): Route<Page> {
  return {
    methods: ["GET", "HEAD"],
    path,
    handler: ({ response }) => {
      const { status, body } = tell();
      const headers = { "content-type": "application/json", "cache-control": "no-store" };
      sendText(response, status, `${textOf(body)}\n`, headers);
    },
  };
}

/** What is plain data already. */
function plain(data: object): Parts {
  return JSON.parse(JSON.stringify(data)) as Parts;
}
