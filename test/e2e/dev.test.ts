import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { type Proc, pause, root, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());
mkdirSync(join(stage.dir, "node_modules"));
symlinkSync(root, join(stage.dir, "node_modules/taskrun"));

let folders = 0;

/** A folder of modules, which `dev` is started on. */
function project(files: Readonly<Record<string, string>>) {
  const name = `app${++folders}`;
  mkdirSync(join(stage.dir, name));
  const write = (file: string, text: string): void => {
    // As editors do it: the file is replaced.
    writeFileSync(join(stage.dir, name, `${file}~`), text);
    renameSync(join(stage.dir, name, `${file}~`), join(stage.dir, name, file));
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  return { name, write, remove: (file: string) => rmSync(join(stage.dir, name, file)) };
}

async function dev(target: string, ...flags: string[]) {
  const server = ["--grpc", "127.0.0.1:0", "--http", "off", "--data", `data-${folders}`];
  const proc = stage.run(["dev", target, ...server, ...flags]);
  onTestFinished(() => void (proc.over || proc.signal("SIGKILL")));
  const addr = await proc.said("it says where it serves", ({ stdout }) => /gRPC at (\S+);/.exec(stdout)?.[1]);
  return { proc, addr, client: stage.client(addr) };
}

/** Waits until `dev` has said a line so many times. */
function said(proc: Proc, text: string, times = 1): Promise<true> {
  return proc.said(`${text}, ${times} times`, ({ stdout }) => stdout.split(text).length > times);
}

const word = (text: string) => `export const word = ${JSON.stringify(text)};\n`;
const agents = `
import { agent } from "taskrun/worker";
import { workflow } from "taskrun/templates";
import { word } from "./word.mjs";

export const tell = agent({ name: "tell", run: async () => ({ word, pid: process.pid }) });
export const fail = agent({
  name: "fail",
  run() {
    throw new Error("it is broken", { cause: new TypeError("of this") });
  },
});
export const wait = agent({
  name: "wait",
  async run(_, { output }) {
    await output("begun");
    await new Promise((resolve) => process.once("SIGUSR2", resolve));
    return { word, pid: process.pid };
  },
});
export const flow = workflow("flow", (w) => w.step("one", { agent: "tell", config: { word } }));
`;

interface Told {
  readonly word: string;
  readonly pid: number;
}

test("an edited import is served at once, runs in hand finish with the old code, and a workflow gets a version", async () => {
  const app = project({ "word.mjs": word("old"), "agents.mjs": agents });
  const { proc, client } = await dev(`${app.name}/agents.mjs`);
  await said(proc, "dev: serving agents");
  const inHand = await client.tasks.create({ agent: "wait", input: {} });
  for await (const { type } of client.tasks.watch(inHand.id)) if (type === "output") break;
  const before = (await client.tasks.run({ agent: "tell", input: {} })) as Told;
  expect(before.word).toBe("old");

  app.write("word.mjs", word("new"));
  await said(proc, "dev: serving agents", 2);
  const after = (await client.tasks.run({ agent: "tell", input: {} })) as Told;
  expect(after.word).toBe("new");
  expect(after.pid).not.toBe(before.pid);
  expect(proc.stdout).toContain("dev: default/flow@1.0.0 stands for 1.0.0-dev.2");
  expect(await client.tasks.run({ template: { name: "flow", version: "1.0.0" }, input: {} })).toMatchObject({
    word: "new",
  });

  process.kill(before.pid, "SIGUSR2");
  await client.tasks.wait(inHand.id);
  expect(await client.tasks.result(inHand.id)).toEqual(before);
  await until("the old process has ended", () => !isAlive(before.pid));

  proc.signal("SIGINT");
  expect(await proc.ended).toBe(0);
  expect(isAlive(after.pid)).toBe(false);
  expect(proc.stdout).toMatch(/^task \S+ wait started$/m);
  expect(proc.stdout).toMatch(/^task \S+ wait COMPLETED after \S+ m?s, 1 attempt$/m);
});

test("a module that breaks is shown with its place, and the agents from before go on until it is mended", async () => {
  const app = project({ "word.mjs": word("old"), "agents.mjs": agents });
  const { proc, client } = await dev(app.name);
  await said(proc, "dev: serving agents");

  app.write("agents.mjs", "import './word.mjs';\nexport const x = ;\n");
  await said(proc, "dev: the agents from before go on");
  await proc.said("the place in the source", ({ stderr }) => /agents\.mjs:2\n/.test(stderr));
  expect(await client.tasks.run({ agent: "tell", input: {} })).toMatchObject({ word: "old" });

  app.write("word.mjs", word("mended"));
  await said(proc, "dev: the agents from before go on", 2);
  app.write("agents.mjs", agents);
  await said(proc, "dev: serving agents", 2);
  expect(await client.tasks.run({ agent: "tell", input: {} })).toMatchObject({ word: "mended" });

  app.write(
    "more.mjs",
    'import { agent } from "taskrun/worker"; export const more = agent({ name: "more", run: () => 1 });',
  );
  await said(proc, "dev: serving agents", 3);
  expect(await client.tasks.run({ agent: "more", input: {} })).toBe(1);
});

test("an exception is shown with its stack and place, and kept with the run", async () => {
  const app = project({ "word.mjs": word("x"), "agents.mjs": agents });
  const { proc, client } = await dev(`${app.name}/agents.mjs`, "--no-watch");
  await said(proc, "dev: serving agents");
  const { id } = await client.tasks.create({ agent: "fail", input: {} });
  await client.tasks.wait(id);

  const { runs } = await client.tasks.get(id);
  expect(runs.at(-1)?.errorDetail).toMatch(
    /Error: it is broken\n +at .*agents\.mjs:10:11\)[\s\S]*caused by: TypeError: of this/,
  );
  await proc.said("the stack", ({ stderr }) =>
    / {4}Error: it is broken\n +at .*agents\.mjs:10:11\)/.test(stderr),
  );
  await said(proc, `task ${id} fail FAILED after `);
  expect(proc.stdout).toMatch(/fail FAILED after .*, 1 attempt: Error: it is broken$/m);

  proc.signal("SIGTERM");
  expect(await proc.ended).toBe(0);
});

test("nothing is left of it when it is killed, and a second signal ends it at once", async () => {
  const app = project({ "word.mjs": word("x"), "agents.mjs": agents });
  const first = await dev(`${app.name}/agents.mjs`);
  await said(first.proc, "dev: serving agents");
  const { pid } = (await first.client.tasks.run({ agent: "tell", input: {} })) as Told;
  await first.proc.end("SIGKILL");
  await until("the agents' process has ended", () => !isAlive(pid));

  const second = await dev(`${app.name}/agents.mjs`);
  await said(second.proc, "dev: serving agents");
  const next = (await second.client.tasks.run({ agent: "tell", input: {} })) as Told;
  const { id } = await second.client.tasks.create({ agent: "wait", input: {} });
  for await (const { type } of second.client.tasks.watch(id)) if (type === "output") break;
  second.proc.signal("SIGINT");
  await second.proc.said("it waits for the run", ({ stderr }) => stderr.includes("signal again"));
  second.proc.signal("SIGINT");
  expect(await second.proc.ended).toBe(130);
  await until("the agents' process has ended", () => !isAlive(next.pid));
});

test.each([
  ["waits for ever", "await new Promise(() => {});"],
  ["never comes to an end", "for (;;);"],
  ["ends its process", "process.exit(3);"],
])("a module that %s is given up, or named, and mended by the next change", async (what, text) => {
  const app = project({ "word.mjs": word("x"), "agents.mjs": text });
  const { proc } = await dev(app.name);
  if (what === "ends its process") {
    await said(proc, "dev: the process of the modules has ended with code 3 before they were loaded");
  }
  await pause(500);

  app.write("agents.mjs", agents);
  await said(proc, "dev: serving agents");
  // Node itself may end a process in which nothing is left to wait for.
  if (what === "waits for ever") return;
  expect(proc.stdout.split("waiting for a change")).toHaveLength(what === "ends its process" ? 2 : 1);
});

test("an agent that keeps its process busy is replaced all the same, and gone when dev is", async () => {
  const spinning = `
import { agent } from "taskrun/worker";
export const pid = agent({ name: "pid", run: async () => process.pid });
export const spin = agent({ name: "spin", run: () => { for (;;); } });
`;
  const busy = async () => {
    const app = project({ "agents.mjs": spinning });
    const { proc, client } = await dev(app.name);
    await said(proc, "dev: serving agents");
    const pid = (await client.tasks.run({ agent: "pid", input: {} })) as number;
    const { id } = await client.tasks.create({ agent: "spin", input: {} });
    await said(proc, `task ${id} spin started`);
    return { app, proc, pid };
  };
  const first = await busy();
  first.app.write("agents.mjs", `${spinning}\n// changed`);
  await said(first.proc, "dev: serving agents", 2);
  first.proc.signal("SIGINT");
  await first.proc.said("it waits for the run", ({ stderr }) => stderr.includes("signal again"));
  first.proc.signal("SIGINT");
  expect(await first.proc.ended).toBe(130);
  await until("the busy process has ended", () => !isAlive(first.pid));

  const second = await busy();
  await second.proc.end("SIGKILL");
  await until("the busy process has ended", () => !isAlive(second.pid));
});

test.each([
  ["nowhere.mjs", [], 2, /nowhere.mjs: there is no such file or folder/],
  [
    "a.ts",
    [],
    2,
    /a\.ts is TypeScript, which Node .* tsx[\s\S]*npm install --save-dev tsx[\s\S]*Node 22\.18/,
  ],
  ["empty.mjs", ["--no-watch"], 1, /no agent and no workflow is exported/],
  ["throws.mjs", ["--no-watch"], 1, /throws\.mjs:1\n[\s\S]*Error: at the top/],
])("dev %s %j ends with %i, and says why", async (file, flags, code, why) => {
  if (file === "a.ts" && "typescript" in process.features && process.features.typescript) return;
  const app = project({ "a.ts": "", "empty.mjs": "", "throws.mjs": 'throw new Error("at the top");' });
  const proc = stage.run([
    "dev",
    `${app.name}/${file}`,
    "--store",
    "memory",
    "--grpc",
    "127.0.0.1:0",
    "--http",
    "off",
    ...flags,
  ]);
  expect(await proc.ended).toBe(code);
  expect(proc.stderr).toMatch(why);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
