/** What programs load that only create Tasks, or only work: nothing of the server. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Proc, root } from "./kit/harness.js";

const dir = mkdtempSync(join(tmpdir(), "taskrun-loads-"));
mkdirSync(join(dir, "node_modules"));
symlinkSync(root, join(dir, "node_modules/taskrun"));

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Tells the program of every module that the loader resolves; those that `require` loads are in its cache. */
const hooks = `
let port;
export const initialize = (data) => { port = data.port; };
export async function load(url, context, next) {
  port.postMessage(url);
  return next(url, context);
}
`;
const watch = `
import { createRequire, register } from "node:module";
import { MessageChannel } from "node:worker_threads";
const { port1, port2 } = new MessageChannel();
const urls = [];
port1.on("message", (url) => urls.push(url));
register(new URL("hooks.mjs", import.meta.url), { data: { port: port2 }, transferList: [port2] });
const loaded = await import(process.argv[2]);
if (Object.keys(loaded).length === 0) throw new Error("nothing was loaded");
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(JSON.stringify([...urls, ...Object.keys(createRequire(import.meta.url).cache)]));
port1.close();
`;
writeFileSync(join(dir, "hooks.mjs"), hooks);
writeFileSync(join(dir, "watch.mjs"), watch);

/** The files that an import loads, by their paths from the root of the package. */
async function loadedBy(name: string): Promise<string[]> {
  const proc = new Proc(["--no-warnings", join(dir, "watch.mjs"), name], dir);
  if ((await proc.ended) !== 0) throw new Error(proc.stderr);
  const urls = JSON.parse(proc.stdout) as string[];
  return urls.map((url) => url.replace(/^file:\/\//, "").replace(root, ""));
}

/** Packages of the server alone, and folders of its own. */
const servers =
  /node_modules\/(libsql|@libsql\/|ajv|ajv-formats|yaml|prom-client|pino|@grpc\/|xstate|re2js|commander|smol-toml)/;
const layers =
  /^dist\/(actors|src\/(bus|runtime|stores|api|gateway|host|cli|embedded|templates)\/|src\/control-plane)/;

test.each(["taskrun/client", "taskrun/worker"])("%s loads nothing of the server", async (name) => {
  const loaded = await loadedBy(name);

  expect(loaded.filter((path) => path.startsWith("dist/src/")).length).toBeGreaterThan(20);
  expect(loaded.filter((path) => path.includes("node_modules/@connectrpc/")).length).toBeGreaterThan(5);
  expect(loaded.filter((path) => servers.test(path) || layers.test(path))).toEqual([]);
});

test("what the server loads is found by the same walk", async () => {
  const loaded = await loadedBy("taskrun");

  for (const name of ["ajv", "prom-client", "pino"]) {
    expect(loaded.some((path) => path.includes(`node_modules/${name}/`))).toBe(true);
  }
  expect(loaded.some((path) => layers.test(path))).toBe(true);
});
