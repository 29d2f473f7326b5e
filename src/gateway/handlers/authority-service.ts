import { getAuthority } from "#api/authority/get-authority";
import { type Rotated, rotateAuthority } from "#api/authority/rotate-authority";
import type { AuthorityState } from "#api/authority/rotation";
import { limits } from "#limits/index";
import { phaseFromWire, phaseToWire } from "#wire/convert-authority";
import {
  AuthorityService,
  type RotateAuthorityRequest,
  type RotateAuthorityResponse,
  type Authority as WireAuthority,
} from "#wire/gen/taskrun/v1/authority_service_pb";
import { unary } from "../rpc.js";

/** The AuthorityService: who answers for the plane rotates its authority. */
export const authorityService = [
  unary(AuthorityService.method.getAuthority, getAuthority, () => ({}), authorityToWire),
  unary(AuthorityService.method.rotateAuthority, rotateAuthority, asked, rotatedToWire),
];

function asked({ phase, force }: RotateAuthorityRequest) {
  // What is no phase is refused in its own words.
  return { phase: phaseFromWire(phase) as never, force };
}

function authorityToWire(state: AuthorityState): WireAuthority {
  const { root, next, serving, trusted, waitingWorkers, waitingNodes } = state;
  return {
    $typeName: "taskrun.v1.Authority",
    phase: phaseToWire(state.phase),
    version: BigInt(state.version),
    caPin: root.pin,
    expiresAtMs: BigInt(root.endsAt),
    nextCaPin: next?.pin ?? "",
    nextExpiresAtMs: BigInt(next?.endsAt ?? 0),
    servingCaPin: serving.pin,
    caCertificates: trusted.map(({ cert }) => cert).join(""),
    nextPhase: phaseToWire(state.nextPhase),
    changedAtMs: BigInt(state.changedAt),
    changedBy: state.changedBy,
    workers: state.workers,
    workersWaitedFor: waitingWorkers.length,
    waitingWorkers: waitingWorkers.slice(0, limits.authorityWaiting),
    waitingNodes: waitingNodes
      .slice(0, limits.authorityWaiting)
      .map((node) => ({ $typeName: "taskrun.v1.AuthorityNode", ...node })),
  };
}

function rotatedToWire({ state, leftBehind }: Rotated): RotateAuthorityResponse {
  return {
    $typeName: "taskrun.v1.RotateAuthorityResponse",
    authority: authorityToWire(state),
    leftBehind: leftBehind.slice(0, limits.authorityLeft),
    leftBehindCount: leftBehind.length,
  };
}
