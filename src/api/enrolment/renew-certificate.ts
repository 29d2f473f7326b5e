import { z } from "zod";
import { Fault } from "#domain/fault";
import { ofServer } from "../access/fields.js";
import { useCase } from "../use-case.js";
import type { WorkerIdentity } from "./enrolment.js";
import { csr, enrolmentOf } from "./fields.js";

/** RenewCertificate: a further certificate for a worker, by the one it has. */
export const renewCertificate = useCase({
  action: "worker.renew",
  input: z.object({ csr }),
  find: ofServer,
  perform: ({ csr: asked }, request): Promise<WorkerIdentity> => {
    const enrolment = enrolmentOf(request);
    const { certificate } = request.caller;
    if (certificate) return enrolment.renew(certificate, asked);
    const message = "only a worker that shows its certificate can renew it: connect with it, by TLS.";
    throw new Fault("denied", message, { reason: "CERTIFICATE_MISSING" });
  },
});
