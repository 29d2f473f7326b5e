import type { AuthorityPhase } from "#domain/access/authority";
import { AuthorityPhase as WirePhase } from "./gen/taskrun/v1/authority_service_pb.js";

const phases = {
  standby: WirePhase.STANDBY,
  init: WirePhase.INIT,
  update_clients: WirePhase.UPDATE_CLIENTS,
  update_servers: WirePhase.UPDATE_SERVERS,
  rollback: WirePhase.ROLLBACK,
} as const satisfies Record<AuthorityPhase, WirePhase>;

export function phaseToWire(phase: AuthorityPhase): WirePhase {
  return phases[phase];
}

/** Undefined for a number that is no phase. */
export function phaseFromWire(wire: WirePhase): AuthorityPhase | undefined {
  return (Object.keys(phases) as AuthorityPhase[]).find((phase) => phases[phase] === wire);
}
