import type { TaskId } from "#domain/id";
import { stepKey } from "#domain/id";
import { newTaskSpec } from "#domain/task/spec";
import { templateKey } from "#domain/template/template";
import { instant } from "#domain/time/time";
import { deadLetter, step, task, template } from "#testing/rows";
import { documentedAt } from "../kit/documented.js";
import type { FakePlane } from "../kit/fake-plane.js";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** What was answered, if it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
  readonly body: any;
}

/** Asks a path on a port of this machine. An object is sent as JSON. What is answered by 2xx has to be what is documented. */
export async function asked(
  port: number,
  line: string,
  sent?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const [method = "GET", path = "/"] = line.split(" ");
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(sent !== undefined && { body: typeof sent === "string" ? sent : JSON.stringify(sent) }),
    headers: { ...(sent !== undefined && { "content-type": "application/json" }), ...headers },
  });
  const text = await response.text();
  if (response.ok) {
    const type = response.headers.get("content-type") ?? "";
    const [bare = ""] = path.split("?");
    (await documentedAt(port)).expectFits(method, bare, { status: response.status, type, text });
  }
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
}

/** A Task of the namespace `orders` with two Steps, one done and one held for an operator, and its dead letter. */
export const held = "01920f3e-8c1b-7a52-b6d4-3f1e5a7c9b20" as TaskId;

export function holdTask(plane: FakePlane, namespace = "orders", id = held): void {
  const spec = newTaskSpec({ agentName: "", maxAttempts: 0, principal: "local", environment: "" });
  const row = task(id, {
    namespace,
    state: "blocked_by_failures",
    counts: { complete: 1, error: 1 },
    hasRun: true,
    hasDeadLetter: true,
    spec: { ...spec, template: { namespace, name: "fulfil", version: "1.0.0" } },
  });
  const steps = [
    step(id, { name: "pack", state: "complete", attempts: 1, outputBytes: 24, finishedAt: instant(2_000) }),
    step(id, { name: "ship", state: "error", attempts: 1, dependsOn: ["pack"] }),
  ];
  plane.details.set(id, { task: row, input: '{"order": 12345678901234567890}', steps, runs: [] });
  plane.outputs.set(stepKey({ taskId: id, stepName: "pack" }), '{"n":12345678901234567890}');
  plane.deadLetters.set(id, deadLetter(id, { reason: "HELD", namespace }));
}

export function registerTemplates(plane: FakePlane): void {
  for (const [namespace, name, version] of [
    ["example", "linear_workflow", "0.1.0"],
    ["orders", "order_fulfillment", "1.0.0"],
    ["orders", "fulfil", "1.0.0"],
  ] as const) {
    const row = template(name, version, { namespace });
    plane.templates.set(templateKey(row), row);
  }
}
