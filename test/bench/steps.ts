/** What a durable step costs: to one agent that does one after the other, and to the server with many agents at once. */
import { align } from "./align.js";
import type { Say, Sizes } from "./measures.js";
import { BenchPlane, type PlaneOptions } from "./plane.js";
import { quartiles } from "./quartiles.js";

/** So many steps of one agent, one after the other, take at most this: each is durable before the next begins. */
const ALONE = { steps: 1_000, mostMs: 2_000 } as const;
/** With so many agents at once a step costs the server at most this of one core, in rounds long enough that its code is compiled. */
const TOGETHER = { agents: 64, steps: 300, mostCpuMs: 0.15 } as const;

export interface StepFigures {
  /** From the create to the end of the Task: the median of the rounds, and the best. */
  readonly aloneMs: Spread;
  /** Of the server's process with all its threads, the 64 tasks that the steps are of included. */
  readonly cpuMsPerStep: Spread;
  readonly stepsPerSecond: number;
}

interface Spread {
  readonly best: number;
  readonly median: number;
}

/** Both loads in turn, in each round. */
export async function measureSteps({ rounds }: Sizes, options: PlaneOptions, say: Say): Promise<StepFigures> {
  const plane = await BenchPlane.start(options);
  const { agents, steps } = TOGETHER;
  try {
    await plane.helper("worker");
    await plane.order({ type: "steps", tasks: agents, steps });
    const alone: number[] = [];
    const cpu: number[] = [];
    let stepsPerSecond = 0;
    for (let round = 1; round <= 2 * rounds; round += 1) {
      const one = await plane.order({ type: "steps", tasks: 1, steps: ALONE.steps });
      alone.push(one.ms);
      const before = await plane.metric("process_cpu_seconds_total");
      const all = await plane.order({ type: "steps", tasks: agents, steps });
      const used = (await plane.metric("process_cpu_seconds_total")) - before;
      cpu.push((1_000 * used) / all.done);
      stepsPerSecond = Math.max(stepsPerSecond, (1_000 * all.done) / all.ms);
      say(
        `durable steps, round ${round}: ${ALONE.steps} in ${Math.round(one.ms)} ms; ` +
          `${agents} agents: ${(cpu.at(-1) ?? 0).toFixed(3)} ms of CPU a step`,
      );
    }
    return { aloneMs: spreadOf(alone), cpuMsPerStep: spreadOf(cpu), stepsPerSecond };
  } finally {
    await plane.stop();
  }
}

function spreadOf(values: readonly number[]): Spread {
  return { best: Math.min(...values), median: quartiles(values)[1] };
}

/** What is missed, in words. Others' work on the machine only ever slows: the best round is judged. */
export function missedSteps({ aloneMs, cpuMsPerStep }: StepFigures): string[] {
  const slow = `${ALONE.steps} durable steps of one agent: ${Math.round(aloneMs.best)} ms, not ${ALONE.mostMs}`;
  const dear = `a durable step of ${TOGETHER.agents} agents: ${cpuMsPerStep.best.toFixed(3)} ms of CPU, not ${TOGETHER.mostCpuMs}`;
  return [
    ...(aloneMs.best > ALONE.mostMs ? [slow] : []),
    ...(cpuMsPerStep.best > TOGETHER.mostCpuMs ? [dear] : []),
  ];
}

/** The figures for people. */
export function stepTable({ aloneMs, cpuMsPerStep, stepsPerSecond }: StepFigures): string {
  const { agents } = TOGETHER;
  return align([
    ["durable steps", "best", "median", "must be"],
    [
      `${ALONE.steps} of one agent, ms`,
      aloneMs.best.toFixed(0),
      aloneMs.median.toFixed(0),
      `≤ ${ALONE.mostMs}`,
    ],
    [
      `server CPU, ms a step of ${agents} agents`,
      cpuMsPerStep.best.toFixed(3),
      cpuMsPerStep.median.toFixed(3),
      `≤ ${TOGETHER.mostCpuMs}`,
    ],
    [`steps/s of ${agents} agents`, stepsPerSecond.toFixed(0), "", ""],
  ]);
}
