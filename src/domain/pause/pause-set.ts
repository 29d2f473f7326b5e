import { earliest, type Instant, NEVER } from "../time/time.js";
import { isOver, type Pause, type PauseScope, pauseKey, pauseText, scopesOf, type Waiting } from "./pause.js";

/** All pauses at one moment, found by their scopes. Never changes: a pause more or less makes another set. */
export class PauseSet {
  readonly #byKey: ReadonlyMap<string, Pause>;

  constructor(pauses: Iterable<Pause> = []) {
    this.#byKey = new Map(Array.from(pauses, (pause) => [pauseKey(pause.scope), pause]));
    this.hasTemplates = this.all().some(({ scope }) => scope.kind === "template");
  }

  /** True if a template is paused. */
  readonly hasTemplates: boolean;

  get size(): number {
    return this.#byKey.size;
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  get(scope: PauseScope): Pause | undefined {
    return this.#byKey.get(pauseKey(scope));
  }

  all(): readonly Pause[] {
    return [...this.#byKey.values()];
  }

  /** This set with the pause, in place of one of the same scope. */
  with(pause: Pause): PauseSet {
    return new PauseSet([...this.#byKey.values(), pause]);
  }

  without(scope: PauseScope): PauseSet {
    const key = pauseKey(scope);
    return new PauseSet(this.all().filter((pause) => pauseKey(pause.scope) !== key));
  }

  /** The pauses that keep a ready Step from every worker, the widest first. */
  over(waiting: Waiting): readonly Pause[] {
    if (this.isEmpty) return [];
    return scopesOf(waiting).flatMap((scope) => this.get(scope) ?? []);
  }

  /** The pause that keeps everything from one worker. */
  ofWorker(principal: string, workerId: string): Pause | undefined {
    if (this.isEmpty) return undefined;
    return this.get({ kind: "worker", namespace: "", name: workerId, principal });
  }

  /** When the first one ends by itself; undefined if none does. */
  nextEnd(): Instant | undefined {
    let next: Instant | undefined;
    for (const { until } of this.#byKey.values()) if (until !== NEVER) next = earliest(next, until);
    return next;
  }

  /** Those that have ended by themselves. */
  ended(now: Instant): readonly Pause[] {
    return this.isEmpty ? [] : this.all().filter((pause) => isOver(pause, now));
  }

  /** Those that have not ended by themselves. */
  current(now: Instant): PauseSet {
    return this.ended(now).length === 0
      ? this
      : new PauseSet(this.all().filter((pause) => !isOver(pause, now)));
  }
}

/** Several pauses as one reason to wait: what to say of them, and when the last one ends; {@link NEVER} if one of them does not by itself. */
export function waitFor([first, ...others]: readonly Pause[]):
  | { detail: string; until: Instant }
  | undefined {
  if (!first) return undefined;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  const ends = [first, ...others].map(({ until }) => until);
  const until = ends.includes(NEVER) ? NEVER : (Math.max(...ends) as Instant);
  return { detail: `${pauseText(first)}${more}`, until };
}

export const NO_PAUSES = new PauseSet();
