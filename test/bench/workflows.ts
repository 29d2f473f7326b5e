/** How fast the example workflows are, with the real work of their steps; and a fan of a thousand steps that do nothing. */
import { readFileSync } from "node:fs";
import { agents, type Flow } from "./load-words.js";
import { type Percentiles, percentiles, type Say, type Sizes } from "./measures.js";
import { BenchPlane, type PlaneOptions } from "./plane.js";
import { examples } from "./root.js";

interface Shape {
  readonly name: ShapeName;
  readonly steps: number;
}

/** The templates of the examples, with how many steps one of their tasks comes to have. */
const shapes = [
  { name: "linear_workflow", steps: 4 },
  { name: "diamond_workflow", steps: 4 },
  { name: "reconcile_accounts", steps: 7 },
  { name: "count_primes", steps: 8 },
  { name: "approval_routing", steps: 4 },
  { name: "csv_products", steps: 7 },
] as const satisfies readonly { readonly name: string; readonly steps: number }[];
export type ShapeName = (typeof shapes)[number]["name"];

/** A task has at most a thousand steps: the fan's are one that opens it, one that joins it, and all between. */
const FAN_STEPS = 1_000;
/** As many as one client can watch on a connection of 100 streams, with room for other calls. */
const IN_FLIGHT = 90;
/** Half a minute in all; after that nothing gets faster any more. */
const WARMUPS = 2;
/** One fan takes about as long as this many linear workflows. */
const FAN_SHARE = 4;

/** What the steps of the linear workflow cost the server. */
export interface StepCost {
  readonly commits: number;
  readonly cpuMs: number;
}

export interface WorkflowFigures {
  /** From CreateTask to the end as a watcher sees it, one at a time, in milliseconds; of the best round. */
  readonly shapes: Readonly<Partial<Record<ShapeName, Percentiles>>>;
  readonly fan: Percentiles;
  readonly perSecond: number;
  readonly alone: StepCost;
  readonly together: StepCost;
}

/** One server and one worker; everything is run in rounds, so that what else the machine does hits all alike. */
export async function measureWorkflows(
  sizes: Sizes,
  options: PlaneOptions,
  say: Say,
): Promise<WorkflowFigures> {
  const plane = await BenchPlane.start(options);
  try {
    await plane.helper("worker");
    for (const { name } of shapes)
      await plane.register(readFileSync(examples(`templates/${name}.yaml`), "utf8"));
    await plane.register(JSON.stringify(fanTemplate()));
    return await measure(plane, sizes, say);
  } finally {
    await plane.stop();
  }
}

async function measure(
  plane: BenchPlane,
  { rounds, workflowMs: ms }: Sizes,
  say: Say,
): Promise<WorkflowFigures> {
  await warmUp(plane, ms, say);

  const latencies = new Map<string, Percentiles[]>();
  const costs: { alone: StepCost[]; together: StepCost[] } = { alone: [], together: [] };
  let perSecond = 0;
  for (let round = 1; round <= rounds; round += 1) {
    for (const shape of shapes) {
      const { cost } = await observe(plane, shape, 1, ms, latencies);
      if (shape.name === "linear_workflow") costs.alone.push(cost);
    }
    const [linear] = shapes;
    const { cost, rate } = await observe(plane, linear, IN_FLIGHT, 2 * ms, new Map());
    costs.together.push(cost);
    perSecond = Math.max(perSecond, rate);
    const fans = await plane.order({ type: "workflow", flow: fan, inFlight: 1, ms: FAN_SHARE * ms });
    keep(latencies, fan.name, fans.latencies);
    say(`workflows, round ${round}: ${Math.round(rate)}/s of four steps, ${IN_FLIGHT} in flight`);
  }
  const figures = shapes.map(({ name }) => [name, best(latencies.get(name))]);
  return {
    shapes: Object.fromEntries(figures),
    fan: best(latencies.get(fan.name)),
    perSecond,
    alone: least(costs.alone),
    together: least(costs.together),
  };
}

/**
 * A server that has just been started is still being compiled: one workflow at a time takes twice as long at first,
 * and only after a while becomes as fast as it stays. Many at a time get there soonest.
 */
async function warmUp(plane: BenchPlane, ms: number, say: Say): Promise<void> {
  say(
    `warming up with ${IN_FLIGHT} workflows in flight: what follows is measured on a server that has been at work`,
  );
  for (let round = 1; round <= WARMUPS; round += 1) {
    for (const shape of shapes) {
      await plane.order({ type: "workflow", flow: flowOf(shape), inFlight: IN_FLIGHT, ms });
    }
  }
  await plane.order({ type: "workflow", flow: fan, inFlight: 1, ms });
}

/** Runs a workflow for a while, and reads from the server's metrics what its steps cost. */
async function observe(
  plane: BenchPlane,
  shape: Shape,
  inFlight: number,
  ms: number,
  latencies: Map<string, Percentiles[]>,
): Promise<{ readonly cost: StepCost; readonly rate: number }> {
  const before = await spent(plane);
  const result = await plane.order({ type: "workflow", flow: flowOf(shape), inFlight, ms });
  const after = await spent(plane);
  keep(latencies, shape.name, result.latencies);

  const steps = result.done * shape.steps;
  const commits = (after.commits - before.commits) / steps;
  const cpuMs = (1_000 * (after.cpuSeconds - before.cpuSeconds)) / steps;
  return { cost: { commits, cpuMs }, rate: (1_000 * result.done) / result.ms };
}

async function spent(plane: BenchPlane): Promise<{ readonly commits: number; readonly cpuSeconds: number }> {
  const commits = await plane.metric("taskrun_commit_seconds_count");
  return { commits, cpuSeconds: await plane.metric("process_cpu_seconds_total") };
}

/** Noise only ever adds to what a step costs. */
function least(costs: readonly StepCost[]): StepCost {
  return {
    commits: Math.min(...costs.map(({ commits }) => commits)),
    cpuMs: Math.min(...costs.map(({ cpuMs }) => cpuMs)),
  };
}

function keep(latencies: Map<string, Percentiles[]>, name: string, round: readonly number[]): void {
  latencies.set(name, [...(latencies.get(name) ?? []), percentiles(round)]);
}

/** As with the rates: noise only ever slows. */
function best(rounds: readonly Percentiles[] = []): Percentiles {
  const [first = { p50: 0, p99: 0 }] = rounds.toSorted((a, b) => a.p50 - b.p50);
  return first;
}

function flowOf({ name }: Shape): Flow {
  return { namespace: "example", name, inputJson: readFileSync(examples(`inputs/${name}.json`), "utf8") };
}

const fan: Flow = { namespace: "example", name: "bench_fan", inputJson: "{}" };

/** One step, then as many as may be at once, then one that waits for them all. */
function fanTemplate(): object {
  const handler = { callable: agents.nothing };
  const blades = Array.from({ length: FAN_STEPS - 2 }, (_, i) => `blade_${i}`);
  return {
    name: fan.name,
    namespace_name: fan.namespace,
    version: "1.0.0",
    steps: [
      { name: "open", handler },
      ...blades.map((name) => ({ name, handler, dependencies: ["open"] })),
      { name: "join", handler, dependencies: blades },
    ],
  };
}
