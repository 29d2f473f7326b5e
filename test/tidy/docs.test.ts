import { readFileSync } from "node:fs";
import type { Code } from "@connectrpc/connect";
import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import ts from "typescript";
import { expect, test } from "vitest";
import { Agents } from "#client/agents";
import { Tasks } from "#client/tasks";
import { Templates } from "#client/templates";
import { Workers } from "#client/workers";
import { Fault, type FaultCode, faults } from "#domain/fault";
import { optionNames } from "#embedded/checks";
import { workerOptionNames } from "#embedded/workers";
import { metricLabels } from "#host/metric-shapes";
import { counters, gauges, histograms } from "#ports/telemetry";
import { statusCodes, statusOf } from "#wire/faults";

/**
 * The lists in `docs/` are written for people and held equal to the code's tables, both ways: what the code has
 * and the list lacks is found, and what the list has and the code lacks. Lists that need no words of their own are generated: `test/docs`.
 */
const doc = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** The cells of every table row whose first cell is one name in backticks. */
function rows(text: string): string[][] {
  const lines = text.split("\n").filter((line) => /^\| `[^`]+` \|/.test(line));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (text: string) => `\`${text}\``;

/** The part of a page from one heading of the second level to the next. */
function section(text: string, heading: string): string {
  return text.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
}

test.each([
  ["Counters", counters],
  ["Histograms", histograms],
  ["Gauges", gauges],
])("docs/metrics.md lists the %s with their labels and meaning", (heading, table) => {
  const expected = Object.entries(table).map(([name, help]) => {
    const labels = metricLabels[name as keyof typeof metricLabels];
    return [code(name), labels.map(code).join(", "), help];
  });

  expect(rows(section(doc("metrics.md"), heading))).toEqual(expected);
});

/** The HTTP status Connect answers with. */
function httpStatus(status: keyof typeof statusCodes): number {
  return codeToHttpStatus(statusCodes[status] as Code);
}

test("docs/errors.md lists every fault with its codes and whether to send again", () => {
  const expected = (Object.keys(faults) as FaultCode[]).map((name) => {
    const status = statusOf(new Fault(name, ""));
    return [code(name), status, String(httpStatus(status)), faults[name].again];
  });

  const listed = rows(doc("errors.md").split(/^## /m)[0] ?? "");
  expect(listed.map((cells) => cells.slice(0, 4))).toEqual(expected);
  expect(listed.every(([, , , , advice]) => advice)).toBe(true);
});

test.each([
  ["## Tasks", "", Tasks],
  ["## Workers, agents and templates", "workers.", Workers],
  ["## Workers, agents and templates", "agents.", Agents],
  ["## Workers, agents and templates", "templates.", Templates],
])("docs/client.md, %s, has a row for every method of %s", (heading, prefix, { prototype }) => {
  const methods = Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
  const table = section(doc("client.md"), heading.slice(3))
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const named: readonly string[] = table.join("\n").match(/`[\w.]+\(/g) ?? [];

  const missing = methods.filter(
    (name) => !named.includes(`\`${prefix}${name}(`) && !named.includes(`\`${name}(`),
  );
  expect(missing).toEqual([]);
});

test("docs/embedding.md names every option of a start, and every method of what it gives", () => {
  const page = doc("embedding.md");
  const named = (name: string, text: string) => new RegExp(`\`${name}[\`(]`).test(text);

  const missing = [
    ...optionNames.filter((name) => !named(name, section(page, "Start"))),
    ...membersOf("src/embedded/index.ts", "TaskRun").filter((name) => !named(name, section(page, "Use"))),
    ...membersOf("src/embedded/options.ts", "ListenOptions").filter(
      (name) => !named(name, section(page, "Use")),
    ),
    ...membersOf("src/gateway/server.ts", "Gateway").filter((name) => !named(name, section(page, "Compose"))),
    ...membersOf("src/gateway/http/handler.ts", "HandlerOptions").filter(
      (name) => !named(name, section(page, "Use")),
    ),
    ...workerOptionNames.filter((name) => !named(name, section(page, "Use"))),
  ];
  expect(missing).toEqual([]);
  // The table of names that are checked is complete.
  expect(membersOf("src/embedded/options.ts", "TaskRunOptions").toSorted()).toEqual(optionNames.toSorted());
});

test("docs/testing.md names every option and method of the test kit, and its example is the one that the tests run", () => {
  const page = doc("testing.md");
  const kit: readonly (readonly [path: string, name: string, part: string])[] = [
    ["src/testing/agent-run.ts", "RunAgentOptions", "An agent alone"],
    ["src/testing/agent-run.ts", "AgentRun", "An agent alone"],
    ["src/testing/plane/options.ts", "TestPlaneOptions", "A plane in virtual time"],
    ["src/testing/plane/test-plane.ts", "TestPlane", "A plane in virtual time"],
    ["src/testing/plane/test-worker.ts", "TestWorker", "A plane in virtual time"],
    ["src/testing/plane/scripted-failures.ts", "ScriptedFailure", "A plane in virtual time"],
  ];
  const missing = kit.flatMap(([path, name, part]) => {
    return membersOf(path, name).filter((member) => !new RegExp(`\\b${member}\\b`).test(section(page, part)));
  });
  const example = readFileSync(new URL("../testing/plane/example.test.ts", import.meta.url), "utf8");

  expect(missing).toEqual([]);
  expect(page).toContain(`\`\`\`ts\n${example.replaceAll(/"#(\w+)\/index"/g, '"taskrun/$1"')}\`\`\``);
});

/** The members that an interface declares itself. */
function membersOf(path: string, name: string): string[] {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isInterfaceDeclaration(node) && node.name.text === name) {
      found.push(...node.members.map((member) => member.name?.getText() ?? ""));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true));
  if (found.length === 0) throw new Error(`${path} has no interface ${name}`);
  return found;
}

test.each([
  ["client.md", "src/client/client.ts", ["ClientOptions"]],
  ["client.md", "src/client/task-requests.ts", ["CreateTask", "TaskFilter", "RunOptions", "ResultOptions"]],
  ["client.md", "src/client/watch.ts", ["WatchOptions"]],
  ["client.md", "src/client/workers.ts", ["WorkerFilter"]],
  ["client.md", "src/client/agents.ts", ["AgentFilter"]],
  ["client.md", "src/client/templates.ts", ["TemplateFilter"]],
  ["workers.md", "src/worker/serve-options.ts", ["ServeOptions"]],
  ["workers.md", "src/worker/serve.ts", ["WorkerHandle"]],
  ["workers.md", "src/worker/agent/definition.ts", ["AgentDefinition"]],
  ["workers.md", "src/worker/agent/policies.ts", ["AgentPolicies", "AgentRetry"]],
  [
    "templates.md",
    "src/templates/workflow/options.ts",
    ["WorkflowOptions", "OverrideOptions", "RetryOptions"],
  ],
])("docs/%s names every member of what %s takes and gives: %j", (page, path, interfaces) => {
  const text = doc(page).replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const members = interfaces.flatMap((name) => membersOf(path, name));

  expect(members.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});
