import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readWhole } from "#api/templates/template-source";
import { startControlPlane } from "#control-plane";
import { Fault } from "#domain/fault";
import { jsonSchemas } from "#host/schemas";
import { openTemplateFolder } from "#host/template-folder";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";

const undo: (() => unknown)[] = [];
let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "taskrun-templates-")), "templates");
  mkdirSync(folder);
  undo.push(() => rmSync(dirname(folder), { recursive: true }));
});
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

function put(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

const template = (name: string, version = "1.0.0", agent = "worker") =>
  `name: ${name}\nnamespace_name: test\nversion: ${version}\nsteps:\n  - name: only\n    handler: { callable: ${agent} }\n`;

/** A plane with the folder open in front of it, and what the two said to each other. */
async function open({ refuse }: { refuse?: () => Fault | undefined } = {}) {
  const control = await startControlPlane({ store: memoryStore() });
  const registered: string[] = [];
  const said: string[] = [];
  const say = (level: string) => (text: string) => void said.push(`${level} ${text}`);
  const plane: typeof control.plane = {
    ...control.plane,
    reads: control.plane.reads,
    async register(caller, row) {
      const fault = refuse?.();
      if (fault) throw fault;
      registered.push(`${row.name}@${row.version}`);
      return control.plane.register(caller, row);
    },
  };
  const schemas = jsonSchemas();
  const read = (source: string) => readWhole(source, schemas);
  const log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const parts = { folder, plane, read, log };

  const opened = await openTemplateFolder(parts).catch(async (error: unknown) => {
    await control.stop();
    throw error;
  });
  undo.push(() => control.stop());
  undo.push(() => opened.stop());
  return { parts, registered, said, stop: () => opened.stop() };
}

const soon = { interval: 20 };

test("all templates below the folder are registered before it is open", async () => {
  put("b.yml", template("b"));
  put("deeper/a.yaml", template("a"));
  put(
    "deeper/still/c.json",
    JSON.stringify({
      name: "c",
      namespace_name: "test",
      version: "1.0.0",
      steps: [{ name: "only", handler: { callable: "worker" } }],
    }),
  );
  put("notes.txt", "no template");
  put(".git/config.yaml", "no template");
  const { registered, said } = await open();

  expect(registered).toEqual(["b@1.0.0", "a@1.0.0", "c@1.0.0"]);
  expect(said).toContain("info template test/b@1.0.0 registered");
  expect(said.filter((line) => !line.startsWith("info"))).toEqual([]);
});

test("a file that is new, changed, or in a new folder is registered soon after; one that is the same is not", async () => {
  put("a.yaml", template("a"));
  put("b.yaml", template("b"));
  const { registered } = await open();

  put("a.yaml", template("a", "1.1.0"));
  await expect.poll(() => registered, soon).toEqual(["a@1.0.0", "b@1.0.0", "a@1.1.0"]);
  utimesSync(join(folder, "b.yaml"), new Date(), new Date());
  put("new/folder/c.yaml", template("c"));
  await expect.poll(() => registered.at(-1), soon).toBe("c@1.0.0");
  put("new/folder/c.yaml", template("c", "2.0.0"));
  await expect.poll(() => registered.at(-1), soon).toBe("c@2.0.0");

  expect(registered).toEqual(["a@1.0.0", "b@1.0.0", "a@1.1.0", "c@1.0.0", "c@2.0.0"]);
});

test("what is registered already is not registered again by the next start", async () => {
  put("a.yaml", template("a"));
  const first = await open();
  const second = await openTemplateFolder(first.parts);
  await second.stop();

  expect(first.registered).toEqual(["a@1.0.0"]);
});

test("a file that is no template is logged with its line, hinders no other, and is registered once it is put right", async () => {
  put("a.yaml", `${template("a")}    timeout_secnds: 3\n`);
  put("b.yaml", template("b"));
  const { registered, said } = await open();

  expect(registered).toEqual(["b@1.0.0"]);
  expect(said[0]).toMatch(/^error a\.yaml:7:5: error UNKNOWN_KEY .*timeout_secnds.* \(not registered\)$/);
  put("a.yaml", template("a"));
  await expect.poll(() => registered, soon).toEqual(["b@1.0.0", "a@1.0.0"]);
});

test("another body under the same version is logged with the difference, and once", async () => {
  put("a.yaml", template("a"));
  const { registered, said } = await open();
  put("a.yaml", template("a", "1.0.0", "other"));
  const refused = () => said.filter((line) => line.startsWith("error"));
  await expect.poll(() => refused().length, soon).toBe(1);
  put("b.yaml", template("b"));
  await expect.poll(() => registered.at(-1), soon).toBe("b@1.0.0");

  expect(refused()).toHaveLength(1);
  expect(refused()[0]).toMatch(/^error a\.yaml: template test\/a@1\.0\.0 .*callable.*"worker" → "other"/);
});

test.skipIf(process.platform === "win32")(
  "links are followed to files in the folder, and never out of it",
  async () => {
    const outside = join(dirname(folder), "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret.yaml"), template("secret"));
    put(".data/real.yaml", template("inside"));
    symlinkSync(join(folder, ".data/real.yaml"), join(folder, "inside.yaml"));
    symlinkSync(join(outside, "secret.yaml"), join(folder, "secret.yaml"));
    symlinkSync(outside, join(folder, "outside"));
    symlinkSync(folder, join(folder, "circle"));
    const { registered, said } = await open();

    expect(registered).toEqual(["inside@1.0.0"]);
    expect(said.join("\n")).toContain("secret.yaml is a link that leads out, or to no file");
  },
);

test.skipIf(process.platform === "win32")(
  "a mounted ConfigMap, whose files are links to a folder that is replaced, is read anew",
  async () => {
    put("..1/flow.yaml", template("flow"));
    symlinkSync("..1", join(folder, "..data"));
    symlinkSync("..data/flow.yaml", join(folder, "flow.yaml"));
    const { registered } = await open();

    put("..2/flow.yaml", template("flow", "2.0.0"));
    symlinkSync("..2", join(folder, "..next"));
    renameSync(join(folder, "..next"), join(folder, "..data"));
    await expect.poll(() => registered, soon).toEqual(["flow@1.0.0", "flow@2.0.0"]);
  },
);

test("what lies too deep or is too large is left out, and said", async () => {
  put("1/2/3/4/5/6/7/8/deep.yaml", template("deep"));
  put("1/2/3/4/5/6/7/8/9/deeper.yaml", template("deeper"));
  put("large.yaml", `${template("large")}# ${"x".repeat(limits.templateBytes)}\n`);
  const { registered, said } = await open();

  expect(registered).toEqual(["deep@1.0.0"]);
  expect(said.find((line) => line.startsWith("warn"))).toContain("lies more than 8 folders deep");
  expect(said.find((line) => line.startsWith("error"))).toMatch(/large\.yaml.* TOO_LARGE /);
});

test("a folder that is not there is refused at once", async () => {
  rmSync(folder, { recursive: true });

  await expect(open()).rejects.toThrow(`templates: ${folder} cannot be read: ENOENT`);
});

test("a folder that another one takes the place of goes on being watched", async () => {
  put("a.yaml", template("a"));
  const { registered, said } = await open();

  renameSync(folder, `${folder}.old`);
  await expect.poll(() => said.at(-1), soon).toContain("cannot be read");
  put("b.yaml", template("b"));
  await expect.poll(() => registered.at(-1), soon).toBe("b@1.0.0");
  put("c.yaml", template("c"));
  await expect.poll(() => registered.at(-1), soon).toBe("c@1.0.0");
});

test("what the plane takes only later is given to it again", async () => {
  put("a.yaml", template("a"));
  let refusals = 1;
  const { registered, said } = await open({
    refuse: () => (refusals-- > 0 ? new Fault("overloaded", "the mailbox is full") : undefined),
  });

  expect(registered).toEqual([]);
  expect(said).toEqual(["error a.yaml: the mailbox is full (not registered)"]);
  await expect.poll(() => registered, soon).toEqual(["a@1.0.0"]);
});

test("once stopped it registers nothing more", async () => {
  const { registered, stop } = await open();
  put("a.yaml", template("a"));
  await stop();
  put("b.yaml", template("b"));
  await new Promise((resolve) => setTimeout(resolve, 500));

  expect(registered).toEqual([]);
});
