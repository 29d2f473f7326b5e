import type { TaskId } from "#domain/id";
import type { TemplateStep } from "#domain/template/template";

/** A Step of a Task as the agents know it: what charges are booked under. */
export interface Place {
  readonly taskId: TaskId;
  readonly stepName: string;
}

/** A Task as the ledger knows it. */
export interface KnownTask {
  readonly id: TaskId;
  readonly parent: Place | null;
  /** The steps of its template. */
  readonly steps: readonly TemplateStep[];
}

/** All that happened to one Step's charge, by the number of the event; 0 has not. */
export interface Charge {
  readonly place: Place;
  begun: number;
  /** The Runs whose agents charged, and have not taken it back. */
  readonly charged: Set<string>;
  completed: number;
  refunds: number[];
  /** Runs of it that were declined, their agent never having begun. */
  declined: number;
}

/**
 * What agents charged and refunded, kept by themselves and not by the plane; and what must be true of it in the end. A
 * Step that is a Task and has a compensation of its own is one place, whatever charged below it.
 */
export class Ledger {
  readonly charges = new Map<string, Charge>();
  readonly tasks = new Map<TaskId, KnownTask>();
  #events = 0;

  at(place: Place): Charge {
    const key = `${place.taskId}/${place.stepName}`;
    const known = this.charges.get(key);
    if (known) return known;
    const made = { place, begun: 0, charged: new Set<string>(), completed: 0, refunds: [], declined: 0 };
    this.charges.set(key, made);
    return made;
  }

  begin(place: Place): void {
    this.#events += 1;
    this.at(place).begun ||= this.#events;
  }

  charge(place: Place, runId: string): void {
    this.at(place).charged.add(runId);
  }

  /** The agent has taken it back by itself, before it reported that it failed. */
  takeBack(place: Place, runId: string): void {
    this.at(place).charged.delete(runId);
  }

  complete(place: Place): void {
    this.#events += 1;
    this.at(place).completed = this.#events;
  }

  refund(place: Place): void {
    this.#events += 1;
    this.at(place).refunds.push(this.#events);
  }

  /**
   * @param isKept true if the Task of a charge, and all above it, completed
   * @param runsOf how many Runs the plane has made of a Step itself
   */
  findings(isKept: (place: Place) => boolean, runsOf: (place: Place) => number): string[] {
    const all = [...this.charges.values()];
    return [
      ...all.flatMap((charge) => this.#finding(charge, isKept(charge.place), runsOf(charge.place))),
      ...all.flatMap((a) => all.flatMap((b) => this.#disorder(a, b))),
    ];
  }

  #finding({ place, charged, refunds, declined }: Charge, isKept: boolean, runs: number): string[] {
    const name = `${place.taskId}/${place.stepName}`;
    if (refunds.length > 1) return [`${name} was refunded ${refunds.length} times`];
    if (isKept && refunds.length > 0) return [`${name} was refunded, and its Task completed`];
    if (!isKept && charged.size > 0 && refunds.length === 0)
      return [`${name} was charged and never refunded`];
    if (runs > 0 && declined === runs && refunds.length > 0)
      return [`${name} was refunded, and no agent ever began`];
    return [];
  }

  /** Of two charges the one that depends on the other, or completed after it in the same Task, is refunded first. */
  #disorder(a: Charge, b: Charge): string[] {
    const [refundA = 0] = a.refunds;
    const [refundB = 0] = b.refunds;
    if (a === b || refundA === 0 || refundB === 0 || refundA > refundB) return [];
    const order = this.#later(b, a);
    return order && b.begun > 0 && b.begun < refundA
      ? [`${nameOf(a)} was refunded before ${nameOf(b)}, ${order}`]
      : [];
  }

  /** Why `b` is refunded before `a`; undefined if nothing says so. */
  #later(b: Charge, a: Charge): string | undefined {
    const [pathA, pathB] = [this.#pathOf(a.place), this.#pathOf(b.place)];
    for (let i = 0; i < Math.min(pathA.length, pathB.length); i += 1) {
      const [placeA, placeB] = [pathA[i] as Place, pathB[i] as Place];
      if (i === 0 && placeA.taskId !== placeB.taskId) return undefined;
      if (placeA.taskId !== placeB.taskId)
        return b.begun > a.begun ? "which a child made anew did later" : undefined;
      if (placeA.stepName === placeB.stepName) continue;
      if (this.#dependsOn(placeB, placeA)) return "which depends on it";
      const isLast = i === pathA.length - 1 && i === pathB.length - 1;
      const bothCompleted = a.completed > 0 && b.completed > a.completed;
      return isLast && bothCompleted ? "which completed after it" : undefined;
    }
    return undefined;
  }

  /** From the outermost Task inwards. */
  #pathOf(place: Place): Place[] {
    const above = this.tasks.get(place.taskId)?.parent;
    return [...(above ? this.#pathOf(above) : []), place];
  }

  #dependsOn({ taskId, stepName }: Place, on: Place): boolean {
    const step = this.tasks.get(taskId)?.steps.find(({ name }) => name === stepName);
    return (step?.dependencies ?? []).some(
      (name) => name === on.stepName || this.#dependsOn({ taskId, stepName: name }, on),
    );
  }
}

function nameOf({ place }: Charge): string {
  return `${place.taskId}/${place.stepName}`;
}
