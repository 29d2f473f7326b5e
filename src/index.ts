/**
 * The plane as a library: start one in your own process, over a store of your choice, and open its gateway
 * in front of it or none. Clients and workers have entry points of their own, `taskrun/client` and
 * `taskrun/worker`; the machines are in `taskrun/actors`.
 */
export { type ServerConfig, serverConfig } from "#config/index";
export {
  type ControlPlane,
  type ControlPlaneParts,
  type RunningServer,
  startControlPlane,
  startServer,
} from "#control-plane";
export { type Caller, LOCAL_CALLER } from "#domain/caller";
export { Fault, type FaultCode, type FaultDetails } from "#domain/fault";
export { limits } from "#domain/limits";
export type { Plane, Receipt } from "#ports/plane";
