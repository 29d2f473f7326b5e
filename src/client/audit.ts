import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { AuditEntry } from "#domain/audit/record";
import { auditEntryFromWire } from "#wire/convert-audit";
import { AuditService, ListAuditRequestSchema } from "#wire/gen/taskrun/v1/audit_service_pb";
import type { CallControl, Caller } from "./call.js";
import { namesOf } from "./option-names.js";
import { optionsOf, requestOf } from "./request.js";

export type { AuditEntry } from "#domain/audit/record";

/**
 * Which entries of the audit log to list.
 *
 * @example
 * ```ts
 * import { type AuditFilter, createClient } from "taskrun/client";
 *
 * const filter: AuditFilter = { newestFirst: true };
 * for await (const { at, actor, action, object } of createClient().audit.list(filter)) console.log(at, actor, action, object);
 * ```
 */
export interface AuditFilter {
  /** The newest first, over all chains. Default: by chain and seq, as they are verified. */
  readonly newestFirst?: boolean;
  /** Only this chain; not with `newestFirst`. */
  readonly chain?: string;
}

const filterNames = namesOf<AuditFilter>({ newestFirst: true, chain: true });

/**
 * Reads the audit log: who did what, and what was refused. Reached as `client.audit`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { audit } = createClient();
 * for await (const entry of audit.list({ newestFirst: true })) {
 *   if (entry.result === "refused") console.log(`${entry.actor}: ${entry.action} on ${entry.object}, ${entry.count} times`);
 * }
 * ```
 */
export class Audit {
  readonly #wire: Client<typeof AuditService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(AuditService, transport);
    this.#caller = caller;
  }

  /** Iterates over the entries, page by page. */
  async *list(filter: AuditFilter = {}, control?: CallControl): AsyncGenerator<AuditEntry, void> {
    const { newestFirst = false, chain = "" } = optionsOf(filter, "filter", filterNames);
    let pageToken = "";
    do {
      const request = requestOf(ListAuditRequestSchema, { newestFirst, chain, pageToken });
      const page = await this.#caller.once((o) => this.#wire.listAudit(request, o), control);
      for (const entry of page.entries) yield auditEntryFromWire(entry);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }
}
