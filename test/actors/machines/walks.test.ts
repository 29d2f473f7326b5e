import fc from "fast-check";
import { expect, test } from "vitest";
import type { AddressedMessage } from "#actors/commands";
import { type Plan, planOf } from "#domain/graph/plan";
import type { StepRow } from "#domain/task/step";
import { isTerminal } from "#domain/task/task";
import { allTypes, anyTemplate } from "../../domain/any-plan.js";
import { freeBranchesOf } from "../../domain/garden.js";
import { planDraft, registered } from "../kit/plans.js";
import { caller, t1 } from "../kit/rows.js";
import { beginningOf, eventsOf, happen, type Situation, type Story, type Word } from "../kit/story.js";
import { World } from "../kit/world.js";
import { wrongAfter } from "../kit/wrong.js";

/**
 * Random templates of every type of Step, walked through in a random order of events: a wider, thinner net
 * than that of the orders that are all looked at.
 */

/** More events than the largest of the templates has. */
const EVENTS_MOST = 400;

/** Numbers as drawn, over and over. */
class Draws {
  readonly #drawn: readonly number[];
  #next = 0;

  constructor(drawn: readonly number[]) {
    this.#drawn = drawn;
  }

  upTo(count: number): number {
    const drawn = this.#drawn[this.#next % this.#drawn.length] ?? 0;
    this.#next += 1;
    return drawn % count;
  }
}

/** What a worker says of a Step: a decision chooses among its branches, a batch makes up to three. */
function wordOf(plan: Plan, step: StepRow, seed: number): Word {
  if (step.spec.type === "decision") {
    const step_names = freeBranchesOf(plan, step.name).filter((_, i) => (seed >> i) & 1);
    const type = step_names.length > 0 ? "create_steps" : "no_branches";
    return { ok: { decision_point_outcome: { type, step_names } } };
  }
  if (step.spec.type === "batchable") {
    const cursor_configs = ["0", "1", "2"].slice(0, seed % 4).map((batch_id) => ({ batch_id }));
    const type = cursor_configs.length > 0 ? "create_batches" : "no_batches";
    return { ok: { batch_processing_outcome: { type, cursor_configs } } };
  }
  const isMember = step.spec.member !== undefined;
  if (isMember && seed % 3 === 0) return { fails: "no", forGood: true };
  if (seed % 7 === 0) return { declines: "I must go" };
  if (seed % 5 === 0) return { yields: seed };
  return { ok: step.name };
}

/** Until nothing more can happen; with what was wrong on the way. */
async function walk(story: Story, draws: Draws): Promise<{ end: Situation; wrong: string[] }> {
  const world = new World(story.templates);
  let here = await beginningOf(story, world);
  const way: string[] = [];
  for (let i = 0; i < EVENTS_MOST; i += 1) {
    const events = eventsOf(story, here);
    const event = events[draws.upTo(Math.max(1, events.length))];
    if (!event) return { end: here, wrong: [] };

    const { came, ...there } = await happen(event, here, world);
    way.push(event.name);
    const wrong = wrongAfter(event, here.rows, came);
    if (wrong.length > 0) return { end: there, wrong: wrong.map((text) => `${way.join(", ")}: ${text}`) };
    here = there;
  }
  return { end: here, wrong: [`${way.join(", ")}: no end in sight`] };
}

const cancel: AddressedMessage = {
  to: "task-finalizer",
  message: { type: "cancel", caller, taskId: t1, message: "not needed" },
};

const walks = fc.record({
  body: anyTemplate(allTypes),
  items: fc.nat(4),
  drawn: fc.array(fc.nat(1_000_000), { minLength: 30, maxLength: 60 }),
  cancelled: fc.boolean(),
  repeats: fc.boolean(),
});

test("whatever the template and the order of events, the rows stay true and the task comes to an end", async () => {
  await fc.assert(
    fc.asyncProperty(walks, async ({ body, items, drawn, cancelled, repeats }) => {
      const plan = planOf(body, "development");
      const input = JSON.stringify({ list: Array.from({ length: items }, (_, i) => i) });
      const draws = new Draws(drawn);
      const addressed = new Map<string, Word>();
      const word: Story["word"] = (step, fence) => {
        const key = `${step.taskId}/${step.name}#${fence}`;
        const said = addressed.get(key) ?? wordOf(plan, step, drawn[addressed.size % drawn.length] ?? 0);
        if (step.spec.type !== "decision") addressed.set(key, said);
        return said;
      };
      const outside: Record<string, AddressedMessage> = cancelled ? { cancel } : {};
      const draft = planDraft(plan, {}, t1, input);
      const story = { draft, templates: [registered(body)], word, repeats, outside };

      const { end, wrong } = await walk(story, draws);

      expect(wrong).toEqual([]);
      expect(isTerminal(end.rows.tasks.get(t1)?.state ?? "pending")).toBe(true);
    }),
    // Making a failure smaller takes long: what is found by then is told.
    { numRuns: 150, interruptAfterTimeLimit: 30_000 },
  );
});
