/** What the server tells of itself by Tasker's REST API, as the OpenAPI document tells of it. */
import type { Documentation } from "../../../rest/documentation.js";
import { objectOf } from "./schemas.js";

const tag = "Server";

const notAvailable = {
  description:
    "There are no analytics: what has them instead is in the answer, whose reason is `NOT_AVAILABLE`.",
  tag,
  answers: {},
  failures: [501],
} as const;

export const performance: Documentation = {
  ...notAvailable,
  summary: "not available: durations and counts are in /metrics",
  parameters: [
    { name: "hours", in: "query", description: "Of how many hours.", schema: { type: "integer" } },
  ],
};

export const bottlenecks: Documentation = {
  ...notAvailable,
  summary: "not available: durations and counts are in /metrics",
  parameters: [
    { name: "limit", in: "query", description: "How many.", schema: { type: "integer" } },
    { name: "min_executions", in: "query", description: "Of at least so many.", schema: { type: "integer" } },
  ],
};

const any = { type: "object" };

export const config: Documentation = {
  summary: "the settings of this server that may be shown",
  description: "A list of what is shown, with no secret, path or address among it.",
  tag,
  answers: {
    200: {
      description: "The settings.",
      schema: objectOf({
        ...{ metadata: any, auth: any, circuit_breakers: any, database_pools: any, messaging: any },
        deployment_mode: { type: "string" },
      }),
    },
  },
};
