import { z } from "zod";
import { limits } from "#limits/index";
import { enrolmentOf } from "../enrolment/fields.js";
import { useCase } from "../use-case.js";
import type { AuthorityState } from "./rotation.js";

/** GetAuthority. */
export const getAuthority = useCase({
  action: "ca.read",
  input: z.object({}),
  answerBytes: limits.authorityAnswer,
  find: () => ({ resource: { kind: "all_namespaces" as const } }),
  perform: (_, request): Promise<AuthorityState> => enrolmentOf(request).rotation.status(),
});
