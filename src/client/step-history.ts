import type { Client } from "@connectrpc/connect";
import {
  GetStepAuditRequestSchema,
  GetStepJournalRequestSchema,
  type TaskService,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { type CallControl, type Caller, controlNames } from "./call.js";
import { toJournalPage } from "./convert-journal.js";
import { toStepAudit } from "./convert-step-audit.js";
import type { JournalPage } from "./journal-views.js";
import { optionsOf, requestOf } from "./request.js";
import type { StepAuditPage } from "./step-audit-views.js";

/**
 * Which page of a Step's history, and how it is asked for.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { tasks } = createClient();
 * const { entries, nextPageToken } = await tasks.stepAudit("TASK_ID", "main", { pageSize: 50 });
 * console.log(entries.length, nextPageToken);
 * ```
 */
export interface StepPageOptions extends CallControl {
  readonly pageSize?: number;
  readonly pageToken?: string;
}

/** Reads what has happened to Steps, a page at a time. */
export class StepHistory {
  readonly #wire: Client<typeof TaskService>;
  readonly #caller: Caller;

  constructor(wire: Client<typeof TaskService>, caller: Caller) {
    this.#wire = wire;
    this.#caller = caller;
  }

  async audit(taskId: string, stepName: string, options: StepPageOptions): Promise<StepAuditPage> {
    const { page, control } = pageOf(options);
    const request = requestOf(GetStepAuditRequestSchema, { taskId, stepName, ...page });
    return toStepAudit(await this.#caller.once((o) => this.#wire.getStepAudit(request, o), control));
  }

  async journal(taskId: string, stepName: string, options: StepPageOptions): Promise<JournalPage> {
    const { page, control } = pageOf(options);
    const request = requestOf(GetStepJournalRequestSchema, { taskId, stepName, ...page });
    return toJournalPage(await this.#caller.once((o) => this.#wire.getStepJournal(request, o), control));
  }
}

function pageOf(options: StepPageOptions) {
  const names = [...controlNames, "pageSize", "pageToken"] as const;
  const { pageSize = 0, pageToken = "", ...control } = optionsOf(options, "options", names);
  return { page: { pageSize, pageToken }, control };
}
