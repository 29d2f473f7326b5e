import { expect, test } from "vitest";
import { parse } from "yaml";
import { stepTypes } from "#domain/template/template";
import { findingCodes, readTemplate } from "#templates/index";
import { fencedYaml, guide, rowsUnder } from "./guide.js";
import { formatTables, tableOf, withoutEffect } from "./tables.js";

test.each([...formatTables()])(
  "docs/templates.md lists the fields of %s as the format has them",
  (heading, fields) => {
    expect(rowsUnder(heading)).toEqual(tableOf(fields));
  },
);

test("docs/templates.md lists every field without effect", () => {
  expect(rowsUnder("Fields without effect")).toEqual(withoutEffect());
});

test("docs/templates.md lists every finding with its severity and meaning", () => {
  const expected = Object.entries(findingCodes).map(
    ([code, { severity, says }]) => `| \`${code}\` | ${severity} | ${says} |`,
  );

  expect(rowsUnder("Findings")).toEqual(expected);
});

test("docs/templates.md explains every type of step", () => {
  const rows = rowsUnder("Step types").map((row) => /^\| `([^`]+)`/.exec(row)?.[1]);

  expect(rows).toEqual([...stepTypes]);
});

const host = { name: "guide", namespace_name: "docs", version: "1.0.0" };
const stub = (name: string) => ({ name, handler: { callable: "x" } });

/** A block that is no whole template is a list of steps, or some keys of the template. */
function wholeOf(text: string): object {
  const value = parse(text);
  if (Array.isArray(value)) {
    const known = new Set(value.map(({ name }) => name));
    const wanted = value.flatMap(({ dependencies = [] }) => dependencies).filter((name) => !known.has(name));
    return { ...host, steps: [...new Set<string>(wanted)].map(stub).concat(value) };
  }
  const steps = Object.values<{ steps?: { name: string }[] }>(value.environments ?? {}).flatMap(
    ({ steps = [] }) => steps,
  );
  const names = new Set(steps.map(({ name }) => name).filter((name) => name !== "ALL"));
  return { ...host, steps: names.size === 0 ? [stub("a")] : [...names].map(stub), ...value };
}

test.each(fencedYaml())("%s can be used as it stands", (_place, text) => {
  const { findings } = readTemplate(JSON.stringify(wholeOf(text)));

  expect(
    findings.filter(({ severity }) => severity !== "info").filter(({ code }) => code !== "ORPHAN_STEP"),
  ).toEqual([]);
});

test("a part of a result that the guide shows is JSON", () => {
  const blocks = [...guide.matchAll(/^```json\n([\s\S]*?)^```$/gm)];

  expect(blocks.length).toBeGreaterThan(0);
  for (const [, text = ""] of blocks) expect(() => JSON.parse(text)).not.toThrow();
});
