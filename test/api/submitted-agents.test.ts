import { expect, test } from "vitest";
import { type Serving, SubmittedAgents } from "#api/workers/submitted-agents";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { laneOf } from "#domain/task/lane";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TaskPage } from "#ports/store-reads";
import { spec, task } from "#testing/rows";

type Asked = [filter: { states: string[]; labels: object }, before: TaskId | undefined, rows: number];

/** A worker at a store whose pages of live Tasks name these agents; `next` of each is the number of the one behind it. */
class Worker {
  caller: Caller = { principal: "local", namespaces: ["default"], roles: ["admin"] };
  mayRun: (name: string) => boolean = () => true;
  /** The agents that ready Steps wait for. */
  awaited: readonly string[] = [];
  pages: (readonly string[] | Error)[] = [];
  readonly asked: Asked[] = [];
  at = 0;

  get serving(): Serving {
    const lanes = () => [{ lanes: this.awaited.map((name) => laneOf("default", name, {}).key) }];
    const reads = { tasks: async (...asked: Asked) => this.#page(asked) };
    const plane = { now: () => instant(this.at), agents: lanes };
    return { caller: this.caller, mayRun: this.mayRun, reads, plane } as unknown as Serving;
  }

  #page(asked: Asked): TaskPage {
    this.asked.push(asked);
    const number = Number(asked[1] ?? 0);
    const page = this.pages[number] ?? [];
    if (page instanceof Error) throw page;
    const tasks = page.map((agentName) => task("t" as TaskId, { spec: spec({ agentName }) }));
    return { tasks, next: number + 1 < this.pages.length ? (String(number + 1) as TaskId) : undefined };
  }
}

function noted(...names: readonly string[]): SubmittedAgents {
  const agents = new SubmittedAgents([]);
  for (const name of names) agents.note("default", name, instant(0));
  return agents;
}

const many = (count: number) => Array.from({ length: count }, (_, i) => `a${String(i).padStart(4, "0")}`);

test("a worker runs as many as one may, the latest, and the longest ago is forgotten", async () => {
  const all = many(limits.submittedAgents + 1);
  const agents = noted(...all, "a0001");
  const worker = new Worker();
  const names = await agents.namesFor(worker.serving);

  expect(names).toHaveLength(limits.agentsPerWorker);
  expect(names).toContain("a0001");
  expect(names).toContain(all.at(-1));
  worker.mayRun = (name) => name === "a0000" || name === "a0002";
  expect(await agents.namesFor(worker.serving)).toEqual(["a0002"]);
  worker.caller = { ...worker.caller, namespaces: ["other"] };
  expect(await agents.namesFor(worker.serving)).toEqual([]);
  worker.caller = { ...worker.caller, namespaces: "*" };
  expect(await agents.namesFor(worker.serving)).toEqual(["a0002"]);
});

test("of more than one worker may name, those come first that Steps wait for, however long ago they were asked for", async () => {
  const agents = noted(...many(100));
  const worker = new Worker();
  worker.awaited = ["a0000", "a0007"];
  const found = await agents.namesFor(worker.serving);

  expect(found).toHaveLength(limits.agentsPerWorker);
  expect(found).toEqual(expect.arrayContaining(["a0000", "a0007", "a0099"]));
});

test("where Steps wait for more than that, each has its turn", async () => {
  const agents = noted(...many(150));
  const worker = new Worker();
  worker.awaited = many(150);
  const seen = new Set<string>();
  for (let turn = 0; turn < 3; turn += 1) {
    for (const name of await agents.namesFor(worker.serving)) seen.add(name);
    worker.at += limits.submittedEvery;
  }
  expect([...seen].toSorted()).toEqual(many(150));
});

test("live Tasks are looked through now and then, whatever their status, and what is found is known", async () => {
  const agents = new SubmittedAgents([]);
  const worker = new Worker();
  worker.pages = [["new", "old", ""]];
  expect(await agents.namesFor(worker.serving)).toEqual(["new", "old"]);
  const [[filter, , rows] = []] = worker.asked;
  expect(filter?.states).toContain("waiting_for_retry");
  expect(filter?.states).not.toContain("complete");
  expect(rows).toBe(limits.submittedRows);

  worker.pages = [["later"]];
  worker.awaited = ["later"];
  worker.at = limits.submittedEvery - 1;
  await agents.namesFor(worker.serving);
  expect(worker.asked).toHaveLength(1);
  worker.at = limits.submittedEvery;
  expect(await agents.namesFor(worker.serving)).toEqual(["later", "new", "old"]);
  // All that waits is known: there is nothing to look for.
  worker.at += limits.submittedEvery;
  await agents.namesFor(worker.serving);
  expect(worker.asked).toHaveLength(2);
});

test("they are looked through to their end, some pages each time, even if pages are empty", async () => {
  const agents = new SubmittedAgents([]);
  const worker = new Worker();
  worker.pages = [["new"], [], [], [], [], [], [], ["old"]];
  worker.awaited = ["old"];
  expect(await agents.namesFor(worker.serving)).toEqual(["new"]);
  expect(worker.asked.map(([, before]) => before)).toEqual([undefined, "1", "2", "3", "4"]);

  worker.at += limits.submittedEvery;
  expect(await agents.namesFor(worker.serving)).toEqual(["new", "old"]);
  expect(worker.asked.slice(5).map(([, before]) => before)).toEqual([undefined, "5", "6", "7"]);
});

test("an agent is forgotten that neither anybody asks for nor a Step waits for in a long time", async () => {
  const agents = noted("waits", "gone");
  const worker = new Worker();
  worker.awaited = ["waits"];
  worker.at = limits.submittedKept - 1;
  expect(await agents.namesFor(worker.serving)).toEqual(["gone", "waits"]);
  worker.at += limits.submittedEvery;
  expect(await agents.namesFor(worker.serving)).toEqual(["waits"]);
});

test("a store that cannot be read now costs nobody a stream; a bug is one", async () => {
  const agents = noted("known");
  const worker = new Worker();
  worker.pages = [new Fault("overloaded", "full")];
  expect(await agents.namesFor(worker.serving)).toEqual(["known"]);
  worker.pages = [new Error("a bug")];
  worker.caller = { ...worker.caller, namespaces: ["other"] };
  await expect(agents.namesFor(worker.serving)).rejects.toThrow("a bug");
});

test("those of the configuration are all, and nothing is looked for", async () => {
  const agents = new SubmittedAgents(["b", "a"]);
  agents.note("default", "c", instant(0));
  const worker = new Worker();
  expect(await agents.namesFor(worker.serving)).toEqual(["b", "a"]);
  worker.mayRun = (name) => name === "a";
  expect(await agents.namesFor(worker.serving)).toEqual(["a"]);
  expect(worker.asked).toEqual([]);
});
