import { createPause } from "#api/pauses/create-pause";
import { endPause } from "#api/pauses/end-pause";
import { getPause, type ScopeState } from "#api/pauses/get-pause";
import { listPauses } from "#api/pauses/list-pauses";
import { UnknownWord } from "#api/validate";
import type { Pause, PauseKind } from "#domain/pause/pause";
import { pauseKindFromWire, pauseToWire } from "#wire/convert-pause";
import {
  type GetPauseResponse,
  type ListPausesResponse,
  type PauseRequest,
  PauseService,
  type ResumeResponse,
  type PauseScope as WireScope,
} from "#wire/gen/taskrun/v1/pause_service_pb";
import { unary } from "../rpc.js";

/** The PauseService: operators hold Steps back from Workers, and let them go again. */
export const pauseService = [
  unary(PauseService.method.pause, createPause, toPause, pauseToWire),
  unary(PauseService.method.resume, endPause, scoped, ended),
  unary(PauseService.method.getPause, getPause, scoped, state),
  unary(PauseService.method.listPauses, listPauses, () => ({}), list),
];

function toPause({ scope, reason, untilMs }: PauseRequest) {
  return { ...scoped({ scope }), reason, untilMs };
}

function scoped({ scope }: { readonly scope?: WireScope | undefined }) {
  if (!scope) return { scope };
  const { kind: number, namespace, name, principal } = scope;
  const kind: PauseKind | UnknownWord =
    pauseKindFromWire(number) ?? new UnknownWord(`is ${number}, which is no PauseKind: say what is paused.`);
  return { scope: { kind, namespace, name, principal } };
}

function ended(pause: Pause | undefined): ResumeResponse {
  return { $typeName: "taskrun.v1.ResumeResponse", ...(pause && { ended: pauseToWire(pause) }) };
}

function state({ pause, heldRuns }: ScopeState): GetPauseResponse {
  return { $typeName: "taskrun.v1.GetPauseResponse", heldRuns, ...(pause && { pause: pauseToWire(pause) }) };
}

function list(pauses: readonly Pause[]): ListPausesResponse {
  return { $typeName: "taskrun.v1.ListPausesResponse", pauses: pauses.map(pauseToWire) };
}
