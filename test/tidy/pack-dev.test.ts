/**
 * `taskrun dev` on TypeScript, as a user of Node 20 has it: the tarball in a blank project beside the project's own `tsx`.
 * Newer versions of Node read TypeScript themselves, and then do.
 */
import { execFile } from "node:child_process";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Proc, root, Stage } from "../e2e/kit/harness.js";

const run = promisify(execFile);
const stage = new Stage();
afterAll(() => stage.end());

/** An install answers within this, from a registry, on a slow day. */
const installMs = 240_000;
const project = join(stage.dir, "project");

beforeAll(async () => {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "blank", "private": true, "type": "module" }');
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "tsx@4.20.6"];
  await run("npm", install, { cwd: project });
  symlinkSync(root, join(project, "node_modules/taskrun"));
}, installMs);

/** As editors do it: the file is replaced. */
function write(file: string, text: string): void {
  writeFileSync(join(project, `${file}~`), text);
  renameSync(join(project, `${file}~`), join(project, file));
}

const word = (text: string) => `export const word: string = ${JSON.stringify(text)};\n`;
const agents = `import { agent } from "taskrun/worker";
import { workflow } from "taskrun/templates";
import { word } from "./word.ts";

interface Told { readonly word: string }
type Doubled<T> = readonly [T, T];

export const tell = agent({ name: "tell", run: async (): Promise<Told> => ({ word }) });
export const fail = agent({
  name: "fail",
  run(): Doubled<string> {
    throw new Error("it is broken" as string);
  },
});
export const flow = workflow("flow", (w) => w.step("one", { agent: tell }));
`;

test("agents and workflows in TypeScript are served, reloaded, and shown with their own lines", async () => {
  write("word.ts", word("old"));
  write("agents.ts", agents);
  const flags = ["--grpc", "127.0.0.1:0", "--http", "off", "--store", "memory"];
  const proc = new Proc(
    [join(project, "node_modules/taskrun/bin/taskrun.js"), "dev", "./agents.ts", ...flags],
    project,
  );
  try {
    const addr = await proc.said(
      "it says where it serves",
      ({ stdout }) => /gRPC at (\S+);/.exec(stdout)?.[1],
    );
    const { tasks } = stage.client(addr);
    const served = (times: number) =>
      proc.said(
        `it serves, ${times} times`,
        ({ stdout }) => stdout.split("dev: serving agents").length > times,
      );
    await served(1);
    expect(await tasks.run({ agent: "tell" })).toEqual({ word: "old" });

    write("word.ts", word("new"));
    await served(2);
    expect(await tasks.run({ template: { name: "flow", version: "1.0.0" } })).toEqual({ word: "new" });

    const { id } = await tasks.create({ agent: "fail" });
    expect((await tasks.wait(id)).runs[0]?.errorMessage).toBe("Error: it is broken");
    expect((await tasks.get(id)).runs[0]?.errorDetail).toMatch(/agents\.ts:12:11\)/);

    write("agents.ts", "export const broken: number = ;\n");
    await proc.said("the place in the source", ({ stderr }) => /agents\.ts:1/.test(stderr));
    await proc.said("the agents from before go on", ({ stdout }) =>
      stdout.includes("the agents from before go on"),
    );
    expect(await tasks.run({ agent: "tell" })).toEqual({ word: "new" });
    expect(await proc.end("SIGTERM")).toBe(0);
  } finally {
    if (!proc.over) await proc.end("SIGKILL");
  }
});
