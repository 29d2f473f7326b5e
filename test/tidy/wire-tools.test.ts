import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const project = fileURLToPath(new URL("../../", import.meta.url));
const tools = join(project, "node_modules/.bin");
const generated = "src/wire/gen";

/** One call of buf takes about a second; a busy machine takes several. */
const PATIENCE_MS = 120_000;

const run = promisify(execFile);

/** Runs buf in `folder` and answers with what it printed; rejects, with the same, if it fails. */
async function buf(folder: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH ?? ""}` };
  const { stdout, stderr } = await run(join(tools, "buf"), args, { cwd: folder, env, timeout: PATIENCE_MS });
  return stdout + stderr;
}

async function readTree(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = files.map(async (file) => [file.slice(folder.length), await readFile(file, "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}

let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "taskrun-wire-"));
  for (const name of ["proto", "buf.yaml", "buf.gen.yaml"]) {
    await cp(join(project, name), join(copy, name), { recursive: true });
  }
});

afterAll(() => rm(copy, { recursive: true, force: true }));

test("the committed code is what buf generates from the protos", { timeout: PATIENCE_MS }, async () => {
  await buf(copy, "generate");

  expect(await readTree(join(project, generated))).toEqual(await readTree(join(copy, generated)));
});

test("the protos pass buf lint and are formatted", { timeout: PATIENCE_MS }, async () => {
  expect(await buf(project, "lint")).toBe("");
  expect(await buf(project, "format", "--diff", "--exit-code")).toBe("");
});

test("the protos break nobody who uses the public ones", { timeout: PATIENCE_MS }, async () => {
  expect(await buf(project, "breaking", "--against", "proto/public.binpb")).toBe("");
});

test("a public field that changes its number is noticed", { timeout: PATIENCE_MS }, async () => {
  const file = join(copy, "proto/taskrun/v1/run_service.proto");
  const text = await readFile(file, "utf8");
  const moved = text.replace("uint64 seq = 2;", "uint64 seq = 9;");
  expect(moved).not.toBe(text);
  await writeFile(file, moved);

  const refused = buf(copy, "breaking", "--against", "proto/public.binpb");

  await expect(refused).rejects.toMatchObject({
    stdout: expect.stringContaining('field "2" with name "seq"'),
  });
});
