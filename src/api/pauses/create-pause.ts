import { z } from "zod";
import { Fault } from "#domain/fault";
import type { Pause } from "#domain/pause/pause";
import { iso } from "#domain/time/iso";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { freeText, moment } from "../validate.js";
import { scope, scopeOf } from "./scope.js";

/** Pause: gives nothing of a scope to Workers until it is resumed, or until a time. */
export const createPause = useCase({
  action: "pause.create",
  input: z.object({ scope, reason: freeText(limits.pauseReasonBytes), untilMs: moment }),
  find: async (asked, request) => ({
    resource: { kind: "pause" as const, scope: await scopeOf(asked.scope, request) },
  }),
  perform: ({ reason, untilMs: until }, { caller, services }, { resource }): Promise<Pause> => {
    const { plane } = services;
    if (until !== NEVER && until <= plane.now()) {
      const text = `until_ms is ${iso(until)}, which is past: send a later instant, or 0 for until it is resumed.`;
      throw new Fault("invalid", text, { field: "until_ms" });
    }
    return plane.pause(caller, { scope: resource.scope, reason, until });
  },
});
