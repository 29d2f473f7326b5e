import { limits } from "#limits/index";

/** A Step's result. */
export interface StepResult {
  /** JSON text, never empty. */
  readonly outputJson: string;
  /** Its length in UTF-8. */
  readonly outputBytes: number;
}

/** The most bytes read for one Step's result: its Task with its input, and the result. */
export const RESULT_READ_BYTES = limits.inputBytes + limits.resultBytes;

export function stepResult(outputJson: string): StepResult {
  return { outputJson, outputBytes: Buffer.byteLength(outputJson) };
}
