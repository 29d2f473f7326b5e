import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { StepKey } from "#domain/id";
import { isWait, type OpenEntry } from "#domain/task/journal";
import type { ResolveAction, StepRow } from "#domain/task/step";
import { isTerminal } from "#domain/task/task";
import { atWork, type SimWorld } from "../sim-world.js";
import { effectKey } from "./program.js";

/** How long it waits for an answer before it looks again. */
const PATIENCE_MS = 5_000;

/**
 * Somebody who repairs by hand. Of what is in doubt it looks whether it was done, and says so; while the storm lasts it resets Steps
 * whose Runs seem to hang, above all those that are at something which must happen once. It asks once, and looks again before it asks again.
 */
export class Person {
  readonly #world: SimWorld;
  /** Steps that it has something to say about already. */
  readonly #busy = new Set<StepRow["name"]>();

  constructor(world: SimWorld) {
    this.#world = world;
  }

  begin(): void {
    const { weather } = this.#world;
    if (weather.holds > 0 || weather.resets > 0) this.#look();
  }

  #look(): void {
    const { dice, faulty, mirror, weather } = this.#world;
    const live = [...mirror.steps.values()].filter(({ taskId }) => {
      const task = mirror.tasks.get(taskId);
      return task && !isTerminal(task.state);
    });
    for (const step of live) if (step.heldFor === "IN_DOUBT") this.#soon(step, () => this.#settle(step));
    const hanging = live.filter(
      ({ state, agentName, journal }) => agentName !== "" && journal && mayHang(state),
    );
    const atOnce = hanging.filter((step) => openOf(step).length > 0);
    const some = atOnce.length > 0 && dice.chance(0.7) ? atOnce : hanging;
    if (faulty && some.length > 0 && dice.chance(weather.resets)) {
      const step = dice.pick(some);
      this.#soon(step, () => this.#reset(step));
    }
    this.#world.after(dice.between(500, 3_000), () => this.#look());
  }

  /** It is about one thing at a time. */
  #soon(step: StepRow, act: () => Promise<void>): void {
    const name = `${step.taskId} ${step.name}`;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    const done = act().finally(() => this.#busy.delete(name));
    this.#world.begin(done);
  }

  async #settle(held: StepRow): Promise<void> {
    const { dice, mirror, outside } = this.#world;
    await this.#world.sleep(dice.between(0, 10_000));
    const key = keyOf(held);
    const [open] = openOf(held);
    if (!open) return this.#say(key, { type: "retry" });
    const { entry } = open;
    const isDone = outside.timesOf(effectKey(key, entry)) > 0;
    const word = isDone ? ({ type: "complete", output: '"seen"' } as const) : ({ type: "retry" } as const);
    const reason = this.#reason();
    if (await this.#said(key, { ...word, entry }, reason))
      mirror.marks.add(`a person says: ${isDone ? "done" : "not done"}`);
    if (!dice.chance(0.3)) return;
    // The same request once more, of which nobody knows where it was meanwhile.
    const again = async () => void (await this.#said(key, { ...word, entry }, reason));
    this.#world.after(dice.between(0, 60_000), () => this.#world.begin(again()));
  }

  async #reset(step: StepRow): Promise<void> {
    const wasAtOnce = openOf(step).length > 0 && step.state === "in_progress";
    if ((await this.#said(keyOf(step), { type: "retry" })) && wasAtOnce)
      this.#world.mirror.marks.add("reset within a once step");
  }

  async #say(key: StepKey, action: ResolveAction): Promise<void> {
    await this.#said(key, action);
  }

  #reason(): string {
    return `looked ${this.#world.dice.between(0, 2 ** 31)}`;
  }

  /** True if that was accepted; false if it was refused, or nobody has answered. */
  async #said(
    { taskId, stepName }: StepKey,
    action: ResolveAction,
    reason = this.#reason(),
  ): Promise<boolean> {
    const { up } = this.#world;
    if (!up) return false;
    const answer = atWork(up, () => up.plane.resolve(LOCAL_CALLER, taskId, stepName, action, reason)).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Fault) return false;
        throw error;
      },
    );
    const first = await Promise.race([answer, up.death, this.#world.sleep(PATIENCE_MS)]);
    this.#world.note(`${stepName} of ${taskId.slice(-6)}: ${action.type} by hand: ${String(first)}`);
    return first === true;
  }
}

function keyOf({ taskId, name: stepName }: StepRow): StepKey {
  return { taskId, stepName };
}

function openOf({ journal }: StepRow): readonly OpenEntry[] {
  return (journal?.open ?? []).filter((open) => !isWait(open));
}

function mayHang(state: StepRow["state"]): boolean {
  return state === "in_progress" || state === "waiting_for_retry";
}
