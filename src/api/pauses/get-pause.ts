import { z } from "zod";
import type { Pause } from "#domain/pause/pause";
import { readsOf, useCase } from "../use-case.js";
import { scope, scopeOf } from "./scope.js";

/** A scope now: its pause, and how many Runs of it Workers hold. */
export interface ScopeState {
  readonly pause: Pause | undefined;
  readonly heldRuns: number;
}

/** GetPause: whether a scope is paused, and how much of it goes on. */
export const getPause = useCase({
  action: "pause.read",
  input: z.object({ scope }),
  find: async (asked, request) => ({
    resource: { kind: "pause" as const, scope: await scopeOf(asked.scope, request) },
  }),
  perform: async (_, request, { resource }): Promise<ScopeState> => ({
    pause: request.services.plane.pauses().get(resource.scope),
    heldRuns: await readsOf(request).countHeld(resource.scope),
  }),
});
