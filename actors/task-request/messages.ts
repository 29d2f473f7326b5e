import type { Caller } from "#domain/caller";
import type { TaskDraft, TaskRow } from "#domain/task";
import type { TemplateRow } from "#domain/template";
import type { ActorLife, Stamped } from "../life.js";

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

export interface RequestFound {
  /** The Task that holds each draft's idempotency key, by draft. */
  readonly holders: readonly (TaskRow | undefined)[];
  /** PENDING Tasks, in all and by namespace. */
  readonly waiting: number;
  readonly waitingIn: Readonly<Record<string, number>>;
  /** Lanes by namespace, and those of the drafts that exist already. */
  readonly lanesIn: Readonly<Record<string, number>>;
  readonly knownLanes: readonly string[];
  /** For `register`: what is known under this version, and how many versions the namespace has. */
  readonly template?: TemplateRow;
  readonly templatesIn: number;
}

export type TaskRequestEvent = (TaskRequestMessage & Stamped & { readonly found: RequestFound }) | ActorLife;
