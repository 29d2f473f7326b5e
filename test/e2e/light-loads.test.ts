/** What programs load that only create Tasks, or only work: nothing of the server. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { root } from "./kit/harness.js";
import { loadedBy } from "./kit/loads.js";

const dir = mkdtempSync(join(tmpdir(), "taskrun-loads-"));
mkdirSync(join(dir, "node_modules"));
symlinkSync(root, join(dir, "node_modules/taskrun"));

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The files that an import loads, by their paths from the root of the package. */
async function loaded(name: string): Promise<string[]> {
  return (await loadedBy(name, dir)).map((path) => path.replace(root, ""));
}

/** Packages of the server alone, and folders of its own. */
const servers =
  /node_modules\/(libsql|@libsql\/|ajv|ajv-formats|yaml|prom-client|pino|@grpc\/|xstate|re2js|commander|smol-toml)/;
const layers =
  /^dist\/(actors|src\/(bus|runtime|stores|api|gateway|host|cli|embedded|templates)\/|src\/(control-plane|edge)\.)/;

test.each(["taskrun/client", "taskrun/worker"])("%s loads nothing of the server", async (name) => {
  const paths = await loaded(name);

  expect(paths.filter((path) => path.startsWith("dist/src/")).length).toBeGreaterThan(20);
  expect(paths.filter((path) => path.includes("node_modules/@connectrpc/")).length).toBeGreaterThan(5);
  expect(paths.filter((path) => servers.test(path) || layers.test(path))).toEqual([]);
});

test("what the server loads is found by the same walk", async () => {
  const paths = await loaded("taskrun");

  for (const name of ["ajv", "prom-client", "pino"]) {
    expect(paths.some((path) => path.includes(`node_modules/${name}/`))).toBe(true);
  }
  expect(paths.some((path) => layers.test(path))).toBe(true);
});
