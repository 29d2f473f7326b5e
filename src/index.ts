/**
 * The plane as a library: start one in your own process, over a store of your choice, and open doors
 * in front of it or none. Clients and workers have entry points of their own, `taskrun/client` and
 * `taskrun/worker`; the machines are in `taskrun/actors`.
 */
export { type ServerConfig, serverConfig } from "./config.js";
export {
  type ControlPlane,
  type ControlPlaneParts,
  type RunningServer,
  startControlPlane,
  startServer,
} from "./control-plane.js";
export { type Caller, LOCAL_CALLER } from "./domain/caller.js";
export { Fault, type FaultCode, type FaultDetails } from "./domain/fault.js";
export { limits } from "./domain/limits.js";
export type { Plane, Receipt } from "./ports/plane.js";
