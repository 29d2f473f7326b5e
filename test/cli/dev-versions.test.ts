import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DevelopmentVersions } from "#cli/dev/versions";
import { loadConfig } from "#cli/server/settings";
import { createClient } from "#client/index";
import type { TemplateRef } from "#domain/template/template";
import type { Store } from "#ports/store";
import { startServer } from "#server";
import { memoryStore } from "#stores/memory/index";
import { serverStore } from "#stores/shared/server-store";
import { workflow } from "#templates/index";
import { agent, serve } from "#worker/index";

const flags = { store: "memory", grpc: "127.0.0.1:0", http: "off", "log-level": "error" };

/** A server of `dev`, or one of any other kind, on a store. */
async function serverOn(store: Store, { inDevelopment = true } = {}) {
  const told: string[] = [];
  const versions = new DevelopmentVersions(({ name, version }, as) =>
    told.push(`${name}@${version} → ${as}`),
  );
  const config = loadConfig({ flags, env: {}, cwd: "/" });
  const server = inDevelopment
    ? await startServer(config, undefined, versions.around(store), (plane) => versions.of(plane))
    : await startServer(config, undefined, store);
  const addr = server.grpc[0] ?? "";
  const say = agent({ name: "say", run: async (input) => (input as { config?: unknown }).config ?? null });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const worker = await serve({ agents: [say], addr, log, handleSignals: false });
  const client = createClient({ addr });
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await worker.drain();
    client.close();
    await server.stop();
  };
  onTestFinished(stop);
  const run = (version = "") => client.tasks.run({ template: { name: "flow", version }, input: {} });
  return { client, told, stop, run };
}

const saying = (word: string, version = "1.0.0") =>
  workflow("flow", { version }, (w) => w.step("say", { agent: "say", config: { word } }));
const parentOf = (template: TemplateRef) =>
  workflow("parent", (w) => w.child("child", { template, input: w.input }));

test("a version under development is the newest that was registered, and none of them changes", async () => {
  const { client, told, run } = await serverOn(memoryStore());
  const first = await client.templates.register(saying("one").source);
  const same = await client.templates.register(saying("one").source);
  const second = await client.templates.register(saying("two").source);

  expect([first, same, second].map(({ template }) => template.version)).toEqual([
    "1.0.0-dev.1",
    "1.0.0-dev.1",
    "1.0.0-dev.2",
  ]);
  expect([first.created, same.created, second.created]).toEqual([true, false, true]);
  expect(told).toEqual(["flow@1.0.0 → 1.0.0-dev.1", "flow@1.0.0 → 1.0.0-dev.2"]);
  expect(await run("1.0.0")).toEqual({ word: "two" });
  expect(await run()).toEqual({ word: "two" });
  expect(await run("1.0.0-dev.1")).toEqual({ word: "one" });
  await expect(run("1.0.1")).rejects.toThrow("1.0.1");

  await client.templates.register(saying("one").source);
  expect(told.at(-1)).toBe("flow@1.0.0 → 1.0.0-dev.3");
  expect(await run("1.0.0")).toEqual({ word: "one" });
});

test.each(["1.0.0", ""])(
  "a child of version '%s' is what stands for it, also after a change",
  async (version) => {
    const { client } = await serverOn(memoryStore());
    const ref = { namespace: "default", name: "flow" };
    const parent = parentOf((version === "" ? ref : { ...ref, version }) as TemplateRef);
    const run = () => client.tasks.run({ template: { name: "parent", version: "1.0.0" }, input: {} });
    await client.templates.register(saying("one").source);
    await client.templates.register(parent.source);
    expect(await run()).toEqual({ word: "one" });

    await client.templates.register(saying("two").source);
    expect(await run()).toEqual({ word: "two" });
  },
);

test("what is released stays as it is, and other servers run it; dev goes on with its numbers", async () => {
  const data = mkdtempSync(join(tmpdir(), "taskrun-dev-versions-"));
  onTestFinished(() => rmSync(data, { recursive: true }));
  const store = () => serverStore({ store: "sqlite", data });
  const plain = await serverOn(store(), { inDevelopment: false });
  await plain.client.templates.register(saying("released").source);
  await plain.stop();

  for (const version of ["1.0.0-dev.1", "1.0.0-dev.2"]) {
    const dev = await serverOn(store());
    const { template } = await dev.client.templates.register(saying(version).source);
    expect(template.version).toBe(version);
    expect(await dev.run("1.0.0")).toEqual({ word: version });
    expect(await dev.run()).toEqual({ word: version });
    await dev.stop();
  }

  const again = await serverOn(store(), { inDevelopment: false });
  expect(await again.run("1.0.0")).toEqual({ word: "released" });
  expect(await again.run()).toEqual({ word: "released" });
  await expect(again.client.templates.register(saying("other").source)).rejects.toThrow(
    "registered with another body",
  );
});

test("registrations at once are numbered one after the other", async () => {
  const { client } = await serverOn(memoryStore());
  const made = await Promise.all(
    ["a", "b", "c", "a"].map((word) => client.templates.register(saying(word).source)),
  );
  expect(new Set(made.map(({ template }) => template.version)).size).toBe(4);
});
