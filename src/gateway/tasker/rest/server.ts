import { create } from "@bufbuild/protobuf";
import { AnalyticsService } from "#wire/gen/tasker/v1/analytics_pb";
import { ConfigService } from "#wire/gen/tasker/v1/config_pb";
import type { RestOperation } from "../../rest/operation.js";
import { Parameters } from "../../rest/parameters.js";
import * as documents from "./documents/server.js";
import { textOf } from "./json.js";
import { taskersParts } from "./wire-json.js";

const { getPerformanceMetrics, getBottleneckAnalysis } = AnalyticsService.method;
const { getConfig } = ConfigService.method;

/** What the server tells of itself: each is what the rpc of `tasker.v1` answers. */
export const serverOperations: readonly RestOperation[] = [
  {
    method: "GET",
    path: "/v1/analytics/performance",
    rpc: { method: getPerformanceMetrics, waits: false },
    documentation: documents.performance,
    perform: async ({ query }, ask) => {
      const hours = new Parameters(query, ["hours"]).whole("hours", 1, HOURS_MOST, 24);
      const answer = await ask(getPerformanceMetrics, create(getPerformanceMetrics.input, { hours }));
      return { json: textOf(taskersParts(getPerformanceMetrics.output, answer)) };
    },
  },
  {
    method: "GET",
    path: "/v1/analytics/bottlenecks",
    rpc: { method: getBottleneckAnalysis, waits: false },
    documentation: documents.bottlenecks,
    perform: async ({ query }, ask) => {
      const parameters = new Parameters(query, ["limit", "min_executions"]);
      const limit = parameters.whole("limit", 1, 1_000, 10);
      const minExecutions = parameters.whole("min_executions", 1, 1_000_000, 5);
      const asked = create(getBottleneckAnalysis.input, { limit, minExecutions });
      return {
        json: textOf(taskersParts(getBottleneckAnalysis.output, await ask(getBottleneckAnalysis, asked))),
      };
    },
  },
  {
    method: "GET",
    path: "/config",
    rpc: { method: getConfig, waits: false },
    documentation: documents.config,
    perform: async ({ query }, ask) => {
      new Parameters(query, []);
      const answer = await ask(getConfig, create(getConfig.input));
      return { json: textOf(taskersParts(getConfig.output, answer)) };
    },
  },
];

/** A year. */
const HOURS_MOST = 8_760;
