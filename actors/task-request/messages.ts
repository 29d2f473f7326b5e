import type { Caller } from "#domain/caller";
import type { TaskDraft } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";

/** What task-request can be told. */
export type TaskRequestMessage =
  /** client: create these, all in one commit. Twice with the same idempotency key is the same Task. */
  | { readonly type: "submit"; readonly caller: Caller; readonly drafts: readonly TaskDraft[] }
  /** client: make this template known. */
  | {
      readonly type: "register";
      readonly caller: Caller;
      readonly template: Omit<TemplateRow, "registeredAt">;
    };
