import type { SessionId, TaskId } from "./id.js";
import type { KeyedKindName, KeyOf, TextKey, TextKindName } from "./row-kinds.js";
import type { TemplateRef } from "./template/template.js";

/** Rows to load by key: a Step comes with its Task, a Run with its Step and Task, any other row alone. */
export type KeyedNeeds = { readonly [Name in KeyedKindName]?: readonly KeyOf<Name>[] };

/** Texts to load; those that do not exist are absent from the answer. */
export type TextNeeds = { readonly [Name in TextKindName]?: readonly TextKey<Name>[] };

/** Rows and texts that a turn needs. Unknown ids are absent from the answer. */
export interface Needs extends KeyedNeeds, TextNeeds {
  /** The Task with every Step that has not ended and every Run that is live or held. */
  readonly wholeTasks?: readonly TaskId[];
  /** The Task with every Step, ended ones too. */
  readonly graphs?: readonly TaskId[];
  /** The Task that owns an idempotency key. */
  readonly keys?: readonly IdempotencyKey[];
  /**
   * Every Run that these sessions hold, each with its Step and Task. Only stores that several nodes share are asked: the memory
   * of a node knows what its own sessions hold, and no more.
   */
  readonly heldBy?: readonly SessionId[];
  /** Templates; an empty version asks for the newest. */
  readonly templates?: readonly TemplateRef[];
}

export interface IdempotencyKey {
  readonly namespace: string;
  readonly key: string;
}
