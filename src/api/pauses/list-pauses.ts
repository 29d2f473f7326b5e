import { z } from "zod";
import { type Caller, directsAll, mayUse } from "#domain/caller";
import { EVERY_NAMESPACE, type Pause, type PauseScope } from "#domain/pause/pause";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";

/** ListPauses: the pauses that concern what the caller may use, the latest first. */
export const listPauses = useCase({
  action: "pause.list",
  input: z.object({}),
  answerBytes: limits.messageBytes,
  find: () => ({ resource: { kind: "server" as const } }),
  perform: (_, { caller, services }): readonly Pause[] =>
    services.plane
      .pauses()
      .all()
      .filter(({ scope }) => concerns(scope, caller))
      .toSorted((a, b) => b.at - a.at),
});

function concerns({ kind, namespace, principal }: PauseScope, caller: Caller): boolean {
  if (kind === "plane") return true;
  if (kind === "worker") return principal === caller.principal || directsAll(caller);
  return namespace === EVERY_NAMESPACE || mayUse(caller, namespace);
}
