/** The doors of a control plane, for programs that embed one. */
export type { MetricsSource } from "./http-pages.js";
export { type DoorSettings, type Doors, openDoors } from "./server.js";
