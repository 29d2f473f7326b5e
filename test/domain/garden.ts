import { batchSteps, chosenSteps, type Expansion, firstSteps } from "#domain/graph/graph";
import type { Membership, Plan, StepPlan } from "#domain/graph/plan";
import { branchesOf, reachOf } from "#domain/graph/reach";
import type { TaskId } from "#domain/id";
import { newStep, type StepRow } from "#domain/task/step";

const t1 = "t1" as TaskId;

export function planned({ steps }: Plan, name: string): StepPlan {
  const found = steps.find((step) => step.name === name);
  if (!found) throw new Error(`the plan has no step "${name}"`);
  return found;
}

/** The branches that a decision may choose whatever else it chooses. */
export function freeBranchesOf(plan: Plan, decision: string): string[] {
  const reach = reachOf(plan, decision);
  return branchesOf(plan, decision).filter((name) => {
    const { dependsOn, spec } = planned(plan, name);
    return spec.type === "deferred_convergence" || !dependsOn.some((before) => reach.has(before));
  });
}

/** The Steps of a Task, as far as they are made. A growth is taken in; a Step moves when it is told to. */
export class Garden {
  readonly plan: Plan;
  readonly rows = new Map<string, StepRow>();

  constructor(of: Plan) {
    this.plan = of;
    this.take({ newSteps: firstSteps(of), extraDependencies: new Map() });
  }

  get steps(): StepRow[] {
    return [...this.rows.values()];
  }

  take({ newSteps, extraDependencies }: Expansion): Expansion {
    for (const { name, planned, dependsOn, member } of newSteps) {
      if (this.rows.has(name)) throw new Error(`"${name}" is made twice`);
      for (const before of dependsOn)
        if (!this.rows.has(before)) throw new Error(`"${name}" is made before "${before}"`);
      const spec = member ? { ...planned.spec, member } : planned.spec;
      this.rows.set(name, newStep({ taskId: t1, name, agentName: "triage", spec, dependsOn }));
    }
    for (const [name, more] of extraDependencies) {
      const row = this.rows.get(name);
      if (row) this.rows.set(name, { ...row, dependsOn: [...row.dependsOn, ...more] });
    }
    return { newSteps: newSteps, extraDependencies: extraDependencies };
  }

  /** A decision or a batch has its result, and is not settled before what it makes is made. */
  grow(name: string, how: (there: readonly StepRow[]) => Expansion): Expansion {
    this.move(name, "enqueued_for_orchestration");
    const expansion = this.take(how(this.steps));
    this.move(name, "complete");
    return expansion;
  }

  decide(name: string, ...chosen: string[]): Expansion {
    return this.grow(name, (there) => chosenSteps(this.plan, there, chosen));
  }

  batch(name: string, ...ids: string[]): Expansion {
    const worker = planned(this.plan, planned(this.plan, name).spec.batch?.workerTemplate ?? "");
    return this.grow(name, (there) =>
      batchSteps(
        this.plan,
        there,
        name,
        worker,
        ids.map((id, index) => ({ name: `${worker.name}_${id}`, member: member(name, index) })),
      ),
    );
  }

  move(name: string, state: StepRow["state"]): void {
    const row = this.rows.get(name);
    if (!row) throw new Error(`there is no "${name}"`);
    this.rows.set(name, { ...row, state });
  }
}

function member(group: string, index: number): Membership {
  return { group, index, concurrency: 1, failure: "fail_fast" };
}
