/** The gateway of a control plane, for programs that embed one. */
export type { MetricsSource } from "./http/pages.js";
export {
  type Gateway,
  /** @deprecated Its name is `Gateway`. */
  type Gateway as Doors,
  type GatewaySettings,
  /** @deprecated Its name is `GatewaySettings`. */
  type GatewaySettings as DoorSettings,
  openGateway,
  /** @deprecated Its name is `openGateway`. */
  openGateway as openDoors,
} from "./server.js";
