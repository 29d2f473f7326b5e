import type { RunId, StepKey, TaskId } from "./id.js";
import type { TemplateRef } from "./template.js";

/** Rows a turn wants to see. Unknown ids are simply absent from the answer. */
export interface Needs {
  /** The Task with every Step that is not settled and every Run that is live or held. */
  readonly wholeTasks?: readonly TaskId[];
  /** The Task with every Step, settled ones too. */
  readonly graphs?: readonly TaskId[];
  /** The Step and its Task. */
  readonly steps?: readonly StepKey[];
  /** The Run, its Step and its Task. */
  readonly runs?: readonly RunId[];
  /** The Task that holds an idempotency key. */
  readonly keys?: readonly IdempotencyKey[];
  /** The Tasks' inputs. */
  readonly inputs?: readonly TaskId[];
  /** Steps' own inputs, and their results; those without one are absent from the answer. */
  readonly stepInputs?: readonly StepKey[];
  readonly outputs?: readonly StepKey[];
  /** Templates; an empty version asks for the newest. */
  readonly templates?: readonly TemplateRef[];
}

export interface IdempotencyKey {
  readonly namespace: string;
  readonly key: string;
}
