/** One operation on one object, as its client saw it. Moments are numbers that grow; no two are the same. */
export interface Operation<Input, Answer> {
  readonly input: Input;
  readonly asked: number;
  /** Undefined if it was never answered: then it happened at some time after it was asked, or not at all. */
  answered?: { readonly at: number; readonly answer: Answer };
}

/** What an object does, one operation after the other. */
export interface Model<State extends string, Input, Answer> {
  readonly initial: State;
  apply(state: State, input: Input): { readonly state: State; readonly answer: Answer };
}

/** Operations of one object whose orders are tried. */
const MOST = 60;

/**
 * True if there is an order of the operations, each at one moment between its question and its answer, in which the object
 * gives these answers: Wing and Gong's search, which remembers what it has tried (Lowe, "Testing for linearizability", 2017).
 */
export function isLinearizable<State extends string, Input, Answer>(
  operations: readonly Operation<Input, Answer>[],
  { initial, apply }: Model<State, Input, Answer>,
): boolean {
  if (operations.length > MOST) throw new RangeError(`${operations.length} operations are too many to try`);
  const tried = new Set<string>();
  const bits = operations.map((_, i) => 1n << BigInt(i));
  const bit = (i: number): bigint => bits[i] ?? 0n;
  const all = operations.reduce((set, { answered }, i) => (answered ? set | bit(i) : set), 0n);

  const search = (done: bigint, state: State): boolean => {
    if ((done & all) === all) return true;
    const key = `${done} ${state}`;
    if (tried.has(key)) return false;
    tried.add(key);
    // Nothing may come before what was answered before it was asked.
    const open = operations.filter((_, i) => !(done & bit(i)));
    const until = Math.min(...open.map(({ answered }) => answered?.at ?? Number.POSITIVE_INFINITY));
    return operations.some(({ input, asked, answered }, i) => {
      if (done & bit(i) || asked > until) return false;
      const next = apply(state, input);
      if (answered && answered.answer !== next.answer) return false;
      return search(done | bit(i), next.state);
    });
  };
  return search(0n, initial);
}
