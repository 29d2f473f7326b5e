import { Fault } from "#domain/fault";
import { AnalyticsService } from "#wire/gen/tasker/v1/analytics_pb";
import { composed } from "../../rpc.js";

/** The AnalyticsService of Tasker, which this server does not offer: its answer says what does. */
export const analyticsService = [
  composed(AnalyticsService.method.getPerformanceMetrics, 0, async () => {
    throw notAvailable();
  }),
  composed(AnalyticsService.method.getBottleneckAnalysis, 0, async () => {
    throw notAvailable();
  }),
];

/** Why there are no analytics. Sampled figures of Steps would be taken for those of Tasks. */
export function notAvailable(): Fault {
  const message =
    "analytics are not available: /metrics has durations and counts for Prometheus, and taskrun.v1.TaskService/GetOverview what was created, ended and failed lately.";
  return new Fault("not_offered", message, { reason: "NOT_AVAILABLE" });
}
