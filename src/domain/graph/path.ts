/** A place in the data of a Task: in its input, or in the result of a Step. */
export interface DataPath {
  /** The Step whose result it is in; empty for the Task's input. */
  readonly stepName: string;
  /** Names and indexes, from the outside in. */
  readonly parts: readonly string[];
}

/** Reads `input/a/0` or `results/STEP/a`; undefined if the text is neither. */
export function readPath(text: string): DataPath | undefined {
  const [root, ...parts] = text.split("/");
  if (parts.includes("")) return undefined;
  if (root === "input") return { stepName: "", parts };
  const [stepName, ...rest] = parts;
  return root === "results" && stepName !== undefined ? { stepName, parts: rest } : undefined;
}
