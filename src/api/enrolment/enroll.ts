import { z } from "zod";
import { ofServer } from "../access/fields.js";
import { useCase } from "../use-case.js";
import type { WorkerIdentity } from "./enrolment.js";
import { csr, enrolmentOf } from "./fields.js";

/** Enroll: a certificate for a token. */
export const enroll = useCase({
  action: "worker.enroll",
  notesRefusals: true,
  input: z.object({ token: z.string().max(256, { error: "is no token: it is too long." }), csr }),
  find: ofServer,
  perform: ({ token, csr: asked }, request): Promise<WorkerIdentity> =>
    enrolmentOf(request).enrol(token, asked, request.address ?? ""),
});
