/**
 * The control plane as a library: `startTaskRun` runs all of it in your process. To compose it by hand, `startControlPlane`
 * runs it over a store of your choice, and `openGateway` of `taskrun/gateway` serves it. The SDKs are `taskrun/client`,
 * `taskrun/worker` and `taskrun/templates`; the machines are in `taskrun/actors`; `taskrun/testing` tests agents and workflows.
 */
export { type ServerConfig, serverConfig } from "#config/index";
export { type ControlPlane, type ControlPlaneParts, startControlPlane } from "#control-plane";
export { type Caller, LOCAL_CALLER } from "#domain/caller";
export { Fault, type FaultCode, type FaultDetails } from "#domain/fault";
export {
  type Listening,
  type ListenOptions,
  startTaskRun,
  type TaskRun,
  type TaskRunOptions,
  type WorkerOptions,
} from "#embedded/index";
export type { HandlerOptions, RequestHandler } from "#gateway/http/handler";
export type { Bound } from "#gateway/listeners";
export type { PinoLike } from "#host/given-log";
export type { MetricsRegistry } from "#host/telemetry";
export { limits } from "#limits/index";
export type { Plane, Receipt } from "#ports/plane";
export { type RunningServer, startServer } from "#server";
