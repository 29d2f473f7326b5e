import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { type ApiReport, apiReports } from "./api-report.js";

const folder = fileURLToPath(new URL("../../docs/api/", import.meta.url));
let reports: readonly ApiReport[] = [];

beforeAll(() => {
  reports = apiReports();
}, 300_000);

const fileOf = (entry: string) => `${entry.replaceAll("/", "-")}.md`;

test("what every entry point exports is what its page says", async () => {
  for (const { entry, page } of reports) {
    await expect(page, "write it anew with: npm run docs").toMatchFileSnapshot(folder + fileOf(entry));
  }
  expect(readdirSync(folder).sort()).toEqual(reports.map(({ entry }) => fileOf(entry)).sort());
});

test("no public type is one of zod, whose version is the user's own", () => {
  const withZod = reports.filter(({ packages }) => packages.some((name) => /^zod(\/|$)/.test(name)));

  expect(withZod.map(({ entry }) => entry)).toEqual([]);
});

test("a page has what is exported, and what that names", () => {
  const { page = "" } = reports.find(({ entry }) => entry === "taskrun/worker") ?? {};

  expect(page).toMatch(/^export declare function agent<const Name extends string/m);
  expect(page.split("not exported here")[1]).toMatch(/^export interface Typed<Input, Result> \{/m);
});
