import type { Conflict } from "#domain/conflict";
import { RowsSeen } from "../memory/rows-seen.js";
import type { Workspace } from "../memory/workspace.js";

/** How far a turn had come when it began with a unit. */
export interface TurnMark {
  /** Of the journal. */
  readonly changes: number;
  readonly answers: number;
  readonly undecided: number;
}

interface Unit {
  readonly mark: TurnMark;
  seen: RowsSeen;
  /** True once it has been decided again because it failed. */
  lookedAgain: boolean;
}

/**
 * The units of a turn over a store that other processes write too: each message from outside with all that follows from it,
 * in order, and last the scheduler's. Of each is kept where it began and what it has seen, so that a conflict costs only
 * the units that rest on what has moved, and those after them, whose memory may be of it.
 */
export class Units {
  readonly #work: Workspace;
  #units: Unit[] = [];

  constructor(work: Workspace) {
    this.#work = work;
  }

  begin(mark: TurnMark): void {
    const unit = { mark, seen: new RowsSeen(), lookedAgain: false };
    this.#units.push(unit);
    this.#work.seen = unit.seen;
  }

  /** Call when the last one is decided. */
  end(): void {
    this.#work.seen = undefined;
  }

  get count(): number {
    return this.#units.length;
  }

  /** What each unit has seen. */
  get seen(): readonly RowsSeen[] {
    return this.#units.map(({ seen }) => seen);
  }

  /** The present unit's changes are rolled back, and it is not answered in this turn: nothing rests on what it saw. */
  dismiss(): void {
    const unit = this.#units.at(-1);
    if (!unit) return;
    unit.seen = new RowsSeen();
    this.#work.seen = unit.seen;
  }

  /**
   * Forgets what the present unit, which has failed, has seen: rows of several moments may contradict each other. Returns
   * false if that was done before: then it fails by itself.
   */
  lookAgain(): boolean {
    const unit = this.#units.at(-1);
    if (!unit || unit.lookedAgain) return false;
    unit.lookedAgain = true;
    this.#work.forget(unit.seen.refs());
    this.dismiss();
    return true;
  }

  /** The first unit that rests on what the conflict is about. All of them, if none is known to. */
  firstLoser({ moved }: Conflict): number {
    const rests = ({ seen }: Unit) =>
      moved.length === 0 ? seen.takesName : moved.some((ref) => seen.has(ref));
    return Math.max(0, this.#units.findIndex(rests));
  }

  /** Removes the unit at this index and all after it. Returns where it began; undefined if there is none. */
  cut(index: number): TurnMark | undefined {
    const [first] = this.#units.splice(index);
    return first?.mark;
  }
}
