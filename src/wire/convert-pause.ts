import type { Pause, PauseKind, PauseScope } from "#domain/pause/pause";
import {
  PauseKind as WireKind,
  type Pause as WirePause,
  type PauseScope as WireScope,
} from "./gen/taskrun/v1/pause_service_pb.js";

const kinds = {
  plane: WireKind.PLANE,
  namespace: WireKind.NAMESPACE,
  agent: WireKind.AGENT,
  template: WireKind.TEMPLATE,
  worker: WireKind.WORKER,
} as const satisfies Record<PauseKind, WireKind>;

export function pauseKindToWire(kind: PauseKind): WireKind {
  return kinds[kind];
}

/** Undefined for a number that is no kind. */
export function pauseKindFromWire(wire: WireKind): PauseKind | undefined {
  return (Object.keys(kinds) as PauseKind[]).find((kind) => kinds[kind] === wire);
}

function scopeToWire({ kind, namespace, name, principal }: PauseScope): WireScope {
  return { $typeName: "taskrun.v1.PauseScope", kind: kinds[kind], namespace, name, principal };
}

export function pauseToWire({ scope, reason, until, by, at }: Pause): WirePause {
  return {
    $typeName: "taskrun.v1.Pause",
    scope: scopeToWire(scope),
    reason,
    untilMs: BigInt(until),
    pausedBy: by,
    pausedAtMs: BigInt(at),
  };
}
