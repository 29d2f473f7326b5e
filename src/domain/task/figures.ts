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

/** Both together, under the name of the first. */
export function sumOf(a: NamespaceFigures, b: NamespaceFigures): NamespaceFigures {
  return {
    namespace: a.namespace,
    tasks: a.tasks + b.tasks,
    ended: a.ended + b.ended,
    steps: a.steps + b.steps,
    runs: a.runs + b.runs,
    inputBytes: a.inputBytes + b.inputBytes,
    resultBytes: a.resultBytes + b.resultBytes,
    logBytes: a.logBytes + b.logBytes,
  };
}

/** Bytes of inputs, results and logs together. */
export function bytesIn({ inputBytes, resultBytes, logBytes }: NamespaceFigures): number {
  return inputBytes + resultBytes + logBytes;
}

/** Figures of each namespace, by name. */
export class FiguresByNamespace {
  readonly #sums = new Map<string, NamespaceFigures>();

  get size(): number {
    return this.#sums.size;
  }

  has(namespace: string): boolean {
    return this.#sums.has(namespace);
  }

  add(figures: NamespaceFigures): void {
    const { namespace } = figures;
    const known = this.#sums.get(namespace);
    this.#sums.set(namespace, known ? sumOf(known, figures) : figures);
  }

  list(): NamespaceFigures[] {
    return [...this.#sums.values()].sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
  }
}
