/**
 * The control plane as a library: `startControlPlane` runs it in your process over a store of your choice, and
 * `openGateway` of `taskrun/gateway` serves it. The SDKs are `taskrun/client`, `taskrun/worker` and `taskrun/templates`;
 * the machines are in `taskrun/actors`.
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
export { limits } from "#limits/index";
export type { Plane, Receipt } from "#ports/plane";
