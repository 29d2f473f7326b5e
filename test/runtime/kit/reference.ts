import type { FailureStrategy, TemplateStep } from "#domain/template/template";

/** A step as the interpreter sees it. */
export interface Node {
  readonly plan: TemplateStep;
  /** What it waits for. Only a convergence, or a worker of a batch, comes to wait for more, once it is there. */
  after: readonly string[];
  /** `ready` is in a worker's hands, `asleep` waits for time, `spread` for its members. */
  state: "waits" | "ready" | "asleep" | "spread" | "complete" | "error";
  tries: number;
  /** Times it went back with a checkpoint, which is no try. */
  yields: number;
  readonly member?: { readonly of: string; readonly index: number; readonly most: number };
  readonly failure: FailureStrategy;
}

/** A worker's last word about an attempt. */
export type Word =
  | { readonly ok: true; readonly chosen?: readonly string[]; readonly batches?: readonly string[] }
  | { readonly ok: false; readonly again: boolean }
  | "yields";

/**
 * What a template means, with no regard to how fast it is found out: after each word everything is looked at
 * anew. The engine must come to the same by counting.
 */
export class Reference {
  readonly nodes = new Map<string, Node>();
  end: "" | "complete" | "error" | "cancelled" = "";
  readonly #steps: ReadonlyMap<string, TemplateStep>;
  readonly #items: (map: TemplateStep) => number;
  readonly #reaches = new Map<string, ReadonlySet<string>>();

  /** @param steps each after all it depends on */
  constructor(steps: readonly TemplateStep[], items: (map: TemplateStep) => number) {
    this.#steps = new Map(steps.map((step) => [step.name, step]));
    this.#items = items;
    this.#grow();
    this.#run();
  }

  say(name: string, word: Word): void {
    const node = this.nodes.get(name);
    if (this.end !== "" || node?.state !== "ready") return;
    if (word === "yields") {
      node.yields += 1;
      return;
    }
    node.tries += 1;
    const { max_attempts = 3, backoff } = node.plan.retry ?? {};
    if (word.ok) {
      node.state = "complete";
      if (word.batches) this.#batch(node.plan, word.batches);
      if (decides(node)) this.#grow(word.chosen);
    } else if (word.again && node.tries < max_attempts) node.state = backoff === "none" ? "ready" : "asleep";
    else node.state = "error";
    this.#run();
  }

  /** All backoffs and timers are over. */
  wake(): void {
    for (const node of this.nodes.values()) {
      if (node.state === "asleep") node.state = node.plan.type === "timer" ? "complete" : "ready";
    }
    this.#run();
  }

  ready(): string[] {
    return this.end === "" ? [...this.nodes].filter(([, { state }]) => state === "ready").map(nameOf) : [];
  }

  /** The steps of the Task that are made of this step of the template. */
  of(name: string): string[] {
    if (this.#steps.get(name)?.type !== "batch_worker") return this.nodes.has(name) ? [name] : [];
    return [...this.nodes].filter(([, { plan }]) => plan.name === name).map(nameOf);
  }

  satisfied(name: string): boolean {
    const { state, failure } = this.nodes.get(name) as Node;
    return state === "complete" || (state === "error" && failure !== "fail_fast");
  }

  /** Everything that can follow from a step. */
  reach(from: string): ReadonlySet<string> {
    const known = this.#reaches.get(from);
    if (known) return known;
    const found = new Set([from]);
    for (const { name, dependencies = [] } of this.#steps.values()) {
      const maker = [...found].some((each) => this.#steps.get(each)?.batch_config?.worker_template === name);
      if (maker || dependencies.some((each) => found.has(each))) found.add(name);
    }
    found.delete(from);
    this.#reaches.set(from, found);
    return found;
  }

  /** What a decision may choose now, whatever else it chooses; no map whose list nobody would make. */
  choices(decision: string): string[] {
    const reach = this.reach(decision);
    return [...reach].filter((name) => {
      const { type, map, dependencies = [] } = this.#steps.get(name) as TemplateStep;
      if (!dependencies.includes(decision)) return false;
      if (type !== "deferred_convergence" && dependencies.some((each) => reach.has(each))) return false;
      const [from, maker = ""] = map?.over.split("/") ?? [];
      if (from === "results" && !this.nodes.has(maker)) return false;
      return type !== "batch_worker" && !this.nodes.has(name);
    });
  }

  follows(name: string, before: string): boolean {
    return this.#steps.get(name)?.dependencies?.includes(before) ?? false;
  }

  /** What a worker is given with a step: results, and names of those that failed. */
  results(name: string): { given: string[]; failed: string[] } {
    const { after } = this.nodes.get(name) as Node;
    const is = (each: string, state: Node["state"]) => this.nodes.get(each)?.state === state;
    const timed = (each: string) => this.#steps.get(each)?.type === "timer";
    return {
      given: after.filter((each) => is(each, "complete") && !timed(each)),
      failed: after.filter((each) => is(each, "error")),
    };
  }

  #grow(chosen: readonly string[] = []): void {
    for (const plan of this.#steps.values()) {
      const { name, type, dependencies = [] } = plan;
      if (this.nodes.has(name) || type === "batch_worker") continue;
      const there = dependencies.filter((each) => this.of(each).length > 0);
      const sure = there.filter((each) => this.#steps.get(each)?.type !== "decision");
      const joins = type === "deferred_convergence" ? sure.length > 0 : sure.length === dependencies.length;
      const after = there.flatMap((each) => this.of(each));
      if (joins || chosen.includes(name)) this.#add(name, { plan, after, failure: "fail_fast" });
    }
    for (const node of this.nodes.values()) {
      const { type, dependencies = [] } = node.plan;
      const joins = type === "deferred_convergence" || type === "batch_worker";
      const isBranch = dependencies.some((each) => this.#steps.get(each)?.type === "decision");
      if (node.member && type !== "batch_worker") continue;
      if ((joins || isBranch) && node.state === "waits") node.after = this.#joined(node);
    }
  }

  /** All it joins that is there, and whatever makes a part of it. */
  #joined({ plan: { dependencies = [] }, after }: Node): string[] {
    const makers = [...this.nodes].filter(([, node]) => decides(node)).map(nameOf);
    const ofPart = makers.filter((name) => {
      const made = dependencies.filter((each) => this.reach(name).has(each)).length;
      return made > 0 && made < dependencies.length;
    });
    return [...new Set([...after, ...dependencies.flatMap((each) => this.of(each)), ...ofPart])];
  }

  #add(name: string, node: Omit<Node, "state" | "tries" | "yields">): void {
    this.nodes.set(name, { ...node, after: [...new Set(node.after)], state: "waits", tries: 0, yields: 0 });
  }

  #batch({ name: of, batch_config: batch = {} }: TemplateStep, ids: readonly string[]): void {
    const { parallelism: most = 10, failure_strategy: failure = "fail_fast", worker_template = "" } = batch;
    const plan = this.#steps.get(worker_template) as TemplateStep;
    const after = [of, ...(plan.dependencies ?? []).filter((each) => each !== of)];
    const there = after.flatMap((each) => this.of(each));
    ids.forEach((id, index) => {
      this.#add(`${plan.name}_${id}`, { plan, after: there, failure, member: { of, index, most } });
    });
  }

  #spread(plan: TemplateStep): Node["state"] {
    const { concurrency: most = 10, failure_strategy: failure = "fail_fast" } = plan.map ?? {};
    for (let index = 0; index < this.#items(plan); index += 1) {
      const name = `${plan.name}_${String(index).padStart(3, "0")}`;
      this.#add(name, { plan, after: [], failure, member: { of: plan.name, index, most } });
    }
    return "spread";
  }

  #run(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const node of this.nodes.values()) {
        const { state } = node;
        if (state === "waits" && this.#mayGo(node)) node.state = this.#begin(node);
        if (state === "spread" && this.#members(node.plan.name).every((each) => this.satisfied(each)))
          node.state = "complete";
        if (state !== node.state) moved = true;
      }
    }
    const nodes = [...this.nodes.values()];
    const failed = nodes.filter(({ state }) => state === "error");
    if (this.end !== "") return;
    if (failed.some(({ failure }) => failure === "fail_fast")) this.end = "error";
    else if (nodes.every(isDone))
      this.end = failed.some(({ failure }) => failure === "isolate") ? "error" : "complete";
  }

  #begin({ plan, member }: Node): Node["state"] {
    if (plan.type === "timer") return "asleep";
    return plan.type === "map" && !member ? this.#spread(plan) : "ready";
  }

  #mayGo({ after, member }: Node): boolean {
    if (!after.every((each) => this.satisfied(each))) return false;
    if (!member) return true;
    const done = this.#members(member.of).filter((each) => this.satisfied(each)).length;
    return member.index < member.most + done;
  }

  #members(of: string): string[] {
    return [...this.nodes].filter(([, { member }]) => member?.of === of).map(nameOf);
  }
}

function decides({ plan: { type } }: Node): boolean {
  return type === "decision" || type === "batchable";
}

function isDone({ state }: Node): boolean {
  return state === "complete" || state === "error";
}

function nameOf([name]: [string, Node]): string {
  return name;
}
