import { expect, test } from "vitest";
import type { CallerReads } from "#api/caller-reads";
import { SubmittedAgents } from "#api/workers/submitted-agents";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { spec, task } from "#testing/rows";

const everything = () => true;

/** Reads of which each answers with Tasks of these agents, the newest first; of none with a failure. */
function reads(...pages: (readonly string[] | Error)[]) {
  const filters: unknown[] = [];
  const tasks = async (...asked: unknown[]) => {
    filters.push(asked);
    const page = pages.shift() ?? [];
    if (page instanceof Error) throw page;
    return {
      tasks: page.map((agentName) => task("t" as TaskId, { spec: spec({ agentName }) })),
      next: undefined,
    };
  };
  return { filters, its: { tasks } as unknown as CallerReads };
}

test("a worker runs as many as one may, the latest, and the longest ago is forgotten", () => {
  const agents = new SubmittedAgents([]);
  for (let i = 0; i <= limits.submittedAgents; i += 1) agents.note("n", `a${i}`);
  agents.note("n", "a1");
  const names = agents.for(["n"], everything);

  expect(names).toHaveLength(limits.agentsPerWorker);
  expect(names).toContain("a1");
  expect(names).toContain(`a${limits.submittedAgents}`);
  expect(agents.for(["n"], (name) => name === "a0" || name === "a2")).toEqual(["a2"]);
  expect(agents.for(["other"], everything)).toEqual([]);
  expect(agents.for("*", (name) => name === "a1")).toEqual(["a1"]);
});

test("live Tasks are looked through now and then, whatever their status, and what is found is known", async () => {
  const agents = new SubmittedAgents([]);
  const { its, filters } = reads(["new", "old", ""], ["later"]);
  await agents.look(its, ["default"], instant(0));
  expect(agents.for(["default"], everything)).toEqual(["new", "old"]);
  const [[filter, , rows] = []] = filters as [{ states: string[]; labels: object }, unknown, number][];
  expect(filter?.states).toContain("waiting_for_retry");
  expect(filter?.states).not.toContain("complete");
  expect(rows).toBe(limits.submittedRows);

  await agents.look(its, ["default"], instant(limits.submittedEvery - 1));
  expect(filters).toHaveLength(1);
  await agents.look(its, ["other"], instant(1));
  expect(filters).toHaveLength(2);
  expect(agents.for(["default"], everything)).toEqual(["later", "new", "old"]);
  await agents.look(its, ["default"], instant(limits.submittedEvery));
  expect(filters).toHaveLength(3);
});

test("a store that cannot be read now costs nobody a stream; a bug is one", async () => {
  const agents = new SubmittedAgents([]);
  agents.note("default", "known");
  const { its } = reads(new Fault("overloaded", "full"), new Error("a bug"));
  await agents.look(its, ["default"], instant(0));
  expect(agents.for(["default"], everything)).toEqual(["known"]);
  await expect(agents.look(its, ["other"], instant(0))).rejects.toThrow("a bug");
});

test("those of the configuration are all, and nothing is looked for", async () => {
  const agents = new SubmittedAgents(["b", "a"]);
  agents.note("default", "c");
  const { its, filters } = reads();
  await agents.look(its, "*", instant(0));

  expect(filters).toEqual([]);
  expect(agents.for("*", everything)).toEqual(["b", "a"]);
  expect(agents.for("*", (name) => name === "a")).toEqual(["a"]);
});
