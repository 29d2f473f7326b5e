import { z } from "zod";
import type { EnrolledWorker } from "#domain/access/enrolment";
import { limits } from "#limits/index";
import { ofServer } from "../access/fields.js";
import { useCase } from "../use-case.js";
import { enrolmentOf } from "./fields.js";
import { enrolledFor } from "./revoke.js";

/** ListEnrolledWorkers. */
export const listEnrolledWorkers = useCase({
  action: "worker.list_enrolled",
  input: z.object({}),
  answerBytes: limits.messageBytes,
  find: ofServer,
  perform: (_, request): Promise<readonly EnrolledWorker[]> =>
    enrolledFor(request.caller, enrolmentOf(request).store),
});
