import { expect, test } from "vitest";
import { listAgents } from "#api/agents/list-agents";
import { run } from "#api/use-case";
import { instant } from "#domain/time/time";
import { type AgentView, NOTHING_ANNOUNCED } from "#domain/worker/agent";
import { limits } from "#limits/index";
import { FakePlane } from "../gateway/kit/fake-plane.js";
import { requestOf, servicesFor } from "./services.js";

const view = (name: string, part: Partial<AgentView> = {}): AgentView => ({
  ...{ namespace: "", name, description: "", announced: NOTHING_ANNOUNCED, isEnforced: false },
  ...{ workers: 0, slots: 0, seenAt: instant(1), lanes: [] },
  ...part,
});

function lister(views: readonly AgentView[]) {
  const plane = new FakePlane();
  plane.agentViews.push(...views);
  const services = servicesFor(plane);
  return (part: object = {}) =>
    run(
      listAgents,
      { namespace: "", agentName: "", pageSize: 0, pageToken: "", ...part },
      requestOf(services),
    );
}

test("agents come in pages, each once, with the Steps that wait", async () => {
  const list = lister([
    view("a"),
    view("b", { lanes: ["x", "y"] }),
    view("b", { namespace: "n" }),
    view("c"),
  ]);
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await list({ pageSize: 2, pageToken });
    expect(page.agents.length).toBeLessThanOrEqual(2);
    seen.push(...page.agents.map(({ namespace, name, waiting }) => `${namespace}/${name} ${waiting}`));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(seen).toEqual(["/a 0", "/b 2", "n/b 0", "/c 0"]);
});

test("a page ends before it is too large for a message, and the list goes on after it", async () => {
  const inputSchema = JSON.stringify({ description: "x".repeat(limits.agentSchemaBytes - 100) });
  const announced = { ...NOTHING_ANNOUNCED, inputSchema };
  const list = lister(
    Array.from({ length: 100 }, (_, i) => view(`agent-${String(i).padStart(3, "0")}`, { announced })),
  );
  const page = await list({ pageSize: 1_000 });
  expect(page.agents.length).toBeGreaterThan(10);
  expect(page.agents.length * inputSchema.length).toBeLessThanOrEqual(limits.pageBytes);
  const { agents } = await list({ pageSize: 1_000, pageToken: page.nextPageToken });
  expect(agents[0]?.name).toBe(`agent-${String(page.agents.length).padStart(3, "0")}`);
});

test("one agent is found by its name, and a token that is none is refused", async () => {
  const list = lister([view("a"), view("ab")]);
  expect((await list({ agentName: "a" })).agents.map(({ name }) => name)).toEqual(["a"]);
  for (const pageToken of ["x", "AA", Buffer.from("\n").toString("base64url")]) {
    await expect(list({ pageToken })).rejects.toMatchObject({
      code: "invalid",
      details: { field: "page_token" },
    });
  }
});
