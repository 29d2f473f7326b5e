import { z } from "zod";
import { type AuthorityPhase, authorityPhases } from "#domain/access/authority";
import { limits } from "#limits/index";
import { enrolmentOf } from "../enrolment/fields.js";
import { useCase } from "../use-case.js";
import type { AuthorityState } from "./rotation.js";

export interface Rotated {
  readonly state: AuthorityState;
  /** Workers that must be invited again. */
  readonly leftBehind: readonly string[];
}

/** RotateAuthority: goes on to a phase, or back. */
export const rotateAuthority = useCase({
  action: "ca.rotate",
  input: z.object({
    phase: z.custom<AuthorityPhase>((value) => authorityPhases.some((each) => each === value), {
      error: `must be one of ${authorityPhases.join(", ")}: GetAuthority says which one is next.`,
    }),
    force: z.boolean(),
  }),
  answerBytes: limits.authorityAnswer,
  find: () => ({ resource: { kind: "all_namespaces" as const } }),
  perform: async ({ phase, force }, request): Promise<Rotated> => {
    const { rotation } = enrolmentOf(request);
    const leftBehind = await rotation.move(request.caller.principal, phase, force);
    return { leftBehind, state: await rotation.status() };
  },
});
