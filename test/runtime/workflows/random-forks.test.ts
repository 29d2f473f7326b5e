import fc from "fast-check";
import { expect, test } from "vitest";
import { isTerminal } from "#domain/task/task";
import { seededEntropy } from "#testing/virtual-time";
import { fork, resultsOf, toEnd } from "../kit/forks.js";
import { type Flow, fate, flows, INPUT, itemsOf, replyOf } from "../kit/random-flows.js";
import { Reference } from "../kit/reference.js";
import { type Agent, begin, type Reply, workflowBed } from "../kit/workflow-bench.js";

/** More of them by hand: FLOWS=2000, and FLOWS_SEED to repeat a run. */
const FLOWS = Number(process.env.FLOWS ?? 40);
const seed = process.env.FLOWS_SEED === undefined ? {} : { seed: Number(process.env.FLOWS_SEED) };

/** What each step of a Task has said, and what it was given: the same in every Task in which nothing fails. */
interface Heard {
  readonly reply: Reply;
  readonly given: string;
}

/** Answers as the first time, and checks that every Step is given the same. */
function replayed(heard: ReadonlyMap<string, Heard>): Agent {
  return ({ stepName, results }) => {
    const known = heard.get(stepName);
    if (!known) throw new Error(`${stepName} is new`);
    expect(given(results), stepName).toBe(known.given);
    return known.reply;
  };
}

function given(results: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(results).sort());
}

async function check(drawn: Flow, dice: number): Promise<void> {
  const flow = { ...drawn, fails: 0, breaks: 0, yields: 0 };
  const { draw } = seededEntropy(dice);
  const { bench, worker } = await workflowBed();
  const reference = new Reference(flow.body.steps, itemsOf(flow));
  const heard = new Map<string, Heard>();
  const { task } = await begin(bench, flow.body, { input: INPUT });
  const whole = await toEnd(bench, worker, task.id, ({ stepName, results }) => {
    reference.wake();
    const word = fate(flow, reference, stepName);
    const reply = replyOf(flow, stepName, word);
    heard.set(stepName, { reply, given: given(results) });
    reference.say(stepName, word);
    return reply;
  });
  expect(whole.task.state).toBe("complete");
  const results = await resultsOf(bench, whole);

  const compare = async (from: string, old: typeof whole) => {
    const forked = await fork(bench, flow.body, old.task, from);
    const ended = await toEnd(bench, worker, forked.task.id, replayed(heard));
    expect(ended.task.state, `from ${from}`).toBe("complete");
    const kept = await resultsOf(bench, ended);
    const maps = new Set(
      ended.steps.filter(({ spec, members }) => spec.map && members.length === 0).map(({ name }) => name),
    );
    const shown = whole.steps.filter(({ spec }) => !spec.member || !maps.has(spec.member.group));
    expect(ended.steps.map(({ name }) => name).sort()).toEqual(shown.map(({ name }) => name).sort());
    for (const { name, dependsOn, spec } of shown) {
      expect(kept.get(name), `result of ${name} from ${from}`).toBe(results.get(name));
      if (maps.has(name)) continue;
      const row = ended.steps.find((step) => step.name === name);
      expect(row?.dependsOn.toSorted(), `dependencies of ${name} from ${from}`).toEqual(dependsOn.toSorted());
      expect(row?.spec.planned).toBe(spec.planned);
    }
    if (from !== "" && heard.has(from)) {
      expect(ended.steps.find(({ name }) => name === from)?.fence, from).toBeGreaterThan(0);
    }
  };

  const names = whole.steps.map(({ name }) => name);
  for (let i = 0; i < 3; i += 1) await compare(names[Math.floor(draw() * names.length)] ?? "", whole);

  const [breaking] = [...heard.keys()].sort(() => draw() - 0.5);
  const { task: other } = await begin(bench, { ...flow.body, version: "1.0.0" }, { input: INPUT });
  const failed = await toEnd(bench, worker, other.id, (frame, input) =>
    frame.stepName === breaking ? { error: "no", retryable: false } : replayed(heard)(frame, input),
  ).catch(() => undefined);
  if (failed && isTerminal(failed.task.state) && failed.task.state === "error") await compare("", failed);
}

test("whatever is forked from where, it ends as if it had been one task", {
  timeout: 120_000 + FLOWS * 1_000,
}, async () => {
  const property = fc.asyncProperty(flows(1, 30), fc.nat(), check);
  await fc.assert(property, {
    numRuns: FLOWS,
    ...seed,
    endOnFailure: process.env.FLOWS_SHRINK === undefined,
  });
});
