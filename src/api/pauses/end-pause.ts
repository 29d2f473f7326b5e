import { z } from "zod";
import type { Pause } from "#domain/pause/pause";
import { useCase } from "../use-case.js";
import { scope, scopeOf } from "./scope.js";

/** Resume: ends the pause of a scope, if there is one. */
export const endPause = useCase({
  action: "pause.end",
  input: z.object({ scope }),
  find: async (asked, request) => ({
    resource: { kind: "pause" as const, scope: await scopeOf(asked.scope, request) },
  }),
  perform: (_, { caller, services }, { resource }): Promise<Pause | undefined> =>
    services.plane.resume(caller, resource.scope),
});
