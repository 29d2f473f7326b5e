import { z } from "zod";
import type { EnrolledWorker } from "#domain/access/enrolment";
import { ownNamespace } from "#domain/caller";
import { ofServer } from "../access/fields.js";
import { useCase } from "../use-case.js";
import { optionalName, requiredName } from "../validate.js";
import { enrolmentOf } from "./fields.js";
import { revoke } from "./revoke.js";

/** RevokeWorker: ends a worker's certificates at once. */
export const revokeWorker = useCase({
  action: "worker.revoke",
  input: z.object({ name: requiredName("the name of the worker"), namespace: optionalName }),
  find: ofServer,
  perform: ({ name, namespace }, request): Promise<EnrolledWorker> => {
    const worker = { name, namespace: namespace || ownNamespace(request.caller) };
    return revoke(request.caller, worker, enrolmentOf(request));
  },
});
