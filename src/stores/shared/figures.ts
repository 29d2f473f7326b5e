/** What the Tasks of one namespace take up. */
export interface NamespaceFigures {
  readonly namespace: string;
  readonly tasks: number;
  /** Of them, those that have ended. */
  readonly ended: number;
  readonly steps: number;
  readonly runs: number;
  /** Inputs of Tasks and Steps, results of Steps, and logs, as they are stored. */
  readonly inputBytes: number;
  readonly resultBytes: number;
  readonly logBytes: number;
}

/** What a store takes up. */
export interface StoreFigures {
  /** By name. */
  readonly namespaces: readonly NamespaceFigures[];
  /** All of it on the disk, with indexes, free pages, and what is no Task's. */
  readonly bytes: number;
}

/** Of each namespace two numbers: of Tasks how many there are and how many have ended, of anything else how many rows and bytes. */
export type Counted = readonly (readonly [namespace: string, count: number, more: number])[];

/** What is counted, each by a statement of its own. */
export interface CountedParts {
  readonly tasks: Counted;
  readonly steps: Counted;
  readonly runs: Counted;
  readonly inputs: Counted;
  readonly results: Counted;
  readonly log: Counted;
}

export function figuresFrom(parts: CountedParts): readonly NamespaceFigures[] {
  const of = (counted: Counted) =>
    new Map(counted.map(([namespace, count, more]) => [namespace, { count, more }]));
  const [steps, runs, inputs, results, log] = [
    parts.steps,
    parts.runs,
    parts.inputs,
    parts.results,
    parts.log,
  ].map(of);
  const found = parts.tasks.map(([namespace, tasks, ended]) => ({
    namespace,
    tasks,
    ended,
    steps: steps?.get(namespace)?.count ?? 0,
    runs: runs?.get(namespace)?.count ?? 0,
    inputBytes: inputs?.get(namespace)?.more ?? 0,
    resultBytes: results?.get(namespace)?.more ?? 0,
    logBytes: log?.get(namespace)?.more ?? 0,
  }));
  return found.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}
