import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { LOCAL_CALLER } from "#domain/caller";
import { millis } from "#domain/time/time";
import { nodeClock } from "#host/clock";
import { memoryStore } from "#stores/memory/index";
import { type Opened, open } from "../gateway/kit/open.js";
import { type Setting, taskrun } from "./fake-io.js";

let opened: Opened;
let addr: string;
let keys: KeyRing;
const texts = { viewer: "", worker: "" };
let home: string;

beforeAll(async () => {
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  const clock = nodeClock();
  keys = new KeyRing({ store: credentials, now: () => clock.now() });
  for (const role of ["viewer", "worker"] as const) {
    const terms = { name: role, role, namespaces: "*", ttl: millis(3_600_000) } as const;
    texts[role] = (await keys.make(LOCAL_CALLER, terms)).text;
  }
  opened = await open({ keys });
  addr = `127.0.0.1:${opened.grpcPort}`;
});
afterAll(() => opened.gateway.close(1_000));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "taskrun-home-"));
});

const run = (words: readonly string[], setting: Setting = {}) =>
  taskrun(words, { cwd: home, ...setting, env: { XDG_CONFIG_HOME: home, ...setting.env } });
const logIn = (name: string, stdin: string = texts.viewer, more: readonly string[] = []) =>
  run(["login", "--profile", name, "--addr", addr, ...more], { stdin: `${stdin}\n` });
const fileOf = (name: string) => join(home, "taskrun", "profiles", `${name}.json`);

test("login keeps a key from standard input for this user alone, and --profile or TASKRUN_PROFILE uses it", async () => {
  expect((await run(["task", "list", "--addr", addr])).stderr).toContain("asks for a credential");
  const logged = await logIn("prod");
  expect(logged).toMatchObject({ code: 0, stdout: "" });
  expect(logged.stderr).not.toContain(texts.viewer);
  expect(statSync(fileOf("prod")).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, "taskrun", "profiles")).mode & 0o777).toBe(0o700);

  expect((await run(["task", "list", "--profile", "prod"])).code).toBe(0);
  expect((await run(["task", "list"], { env: { TASKRUN_PROFILE: "prod" } })).code).toBe(0);
  const listed = await run(["profiles"]);
  expect(listed.stdout).toBe(`prod  ${addr}\n`);
});

test("at a keyboard the key is asked for, and not shown", async () => {
  const typed = ["x", "backspace", ...texts.viewer, "enter"];
  const { code, stdout, stderr } = await run(["login", "--profile", "p", "--addr", addr], { keys: typed });
  expect(code).toBe(0);
  expect(stderr).toContain("API key: ");
  expect(stdout + stderr).not.toContain(texts.viewer.slice(0, 8));
  expect(JSON.parse(readFileSync(fileOf("p"), "utf8"))).toEqual({ addr, apiKey: texts.viewer });

  const cut = await run(["login", "--profile", "q", "--addr", addr], { keys: ["a", "interrupt"] });
  expect(cut.code).toBe(130);
  expect(existsSync(fileOf("q"))).toBe(false);
});

test("a key that the server does not take is not kept, unless it is not to be asked; one of few rights is", async () => {
  const wrong = await logIn("prod", "tr_AAAAAAAAAAAA_wrong");
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain("Nothing was kept; --no-check keeps it without asking.");
  expect(existsSync(fileOf("prod"))).toBe(false);
  const unheard = await run(["login", "--profile", "prod", "--addr", "127.0.0.1:1"], { stdin: texts.viewer });
  expect(unheard.code).toBe(3);
  expect((await logIn("prod", "tr_AAAAAAAAAAAA_wrong", ["--no-check"])).code).toBe(0);
  expect((await logIn("fleet", texts.worker)).code).toBe(0);
  for (const nothing of ["", "  \n", "two words"]) expect((await logIn("none", nothing)).code).toBe(2);
});

test("a profile that others can read is refused, and says what to do", async () => {
  await logIn("prod");
  chmodSync(fileOf("prod"), 0o640);
  const refused = await run(["task", "list", "--profile", "prod"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("can be read by others (mode 0640)");
  expect(refused.stderr).toContain(`chmod 0600 ${fileOf("prod")}`);
  chmodSync(join(home, "taskrun", "profiles"), 0o755);
  expect((await logIn("another")).stderr).toContain("can be read by others (mode 0755)");
});

test("the credential of a profile goes to its own server only", async () => {
  await logIn("prod");
  const both = await run(["task", "list", "--profile", "prod", "--addr", "127.0.0.1:1"]);
  expect(both.code).toBe(2);
  expect(both.stderr).toContain(`profile prod is for ${addr}, and --addr 127.0.0.1:1 is another server`);
  const env = { TASKRUN_PROFILE: "prod" };
  // The option is nearer than the variable, which is passed over as a whole.
  const other = await open({
    identify: ({ header }) => {
      expect(header("authorization")).toBeUndefined();
      return LOCAL_CALLER;
    },
  });
  const elsewhere = await run(["task", "list", "--addr", `127.0.0.1:${other.grpcPort}`], { env });
  expect(elsewhere.code).toBe(0);
  await other.gateway.close(1_000);
  const two = await run(["task", "list"], { env: { ...env, TASKRUN_ADDR: "127.0.0.1:1" } });
  expect(two.code).toBe(2);
  expect((await run(["task", "list", "--profile", "prod", "--data", "x"])).code).toBe(2);
});

test("of several credentials the nearest counts: an option, the profile, the variable of the key, that of its file", async () => {
  const used: (string | undefined)[] = [];
  const seeing = await open({
    identify: ({ header }) => {
      used.push(header("authorization")?.replace("Bearer ", ""));
      return LOCAL_CALLER;
    },
  });
  const there = `127.0.0.1:${seeing.grpcPort}`;
  await run(["login", "--profile", "p", "--addr", there], { stdin: "of-the-profile" });
  writeFileSync(join(home, "file"), "of-the-file\n");
  writeFileSync(join(home, "other"), "of-the-other-file\n");
  used.length = 0;
  const env = { TASKRUN_API_KEY: "of-the-variable", TASKRUN_API_KEY_FILE: "file" };
  const list = (words: readonly string[], given: Record<string, string>) =>
    run(["task", "list", ...words], { env: given });
  await list(["--profile", "p", "--api-key-file", "other"], env);
  await list(["--profile", "p"], env);
  await list(["--addr", there], env);
  await list(["--addr", there], { TASKRUN_API_KEY_FILE: "file" });
  await list(["--addr", there], {});
  expect(used).toEqual(["of-the-other-file", "of-the-profile", "of-the-variable", "of-the-file", undefined]);
  await seeing.gateway.close(1_000);
});

test("logout forgets the key, and says that it still counts; a profile that is not there is not found", async () => {
  await logIn("prod");
  const out = await run(["logout", "--profile", "prod"]);
  expect(out.code).toBe(0);
  expect(out.stderr).toContain(
    `its key still counts: \`npx taskrun key revoke ${texts.viewer.split("_")[1]}\` ends it`,
  );
  expect(existsSync(fileOf("prod"))).toBe(false);
  expect(await run(["logout", "--profile", "prod"])).toMatchObject({ code: 4 });
  const gone = await run(["task", "list", "--profile", "prod"]);
  expect(gone).toMatchObject({ code: 4 });
  expect(gone.stderr).toContain("npx taskrun login --profile prod");
  for (const name of ["../etc", "", ".hidden", "a/b"]) {
    expect((await run(["login", "--profile", name, "--addr", addr], { stdin: "k" })).code).toBe(2);
  }
});

test("a profile that is damaged is refused by its path", async () => {
  await logIn("prod");
  for (const text of ["{", "[]", "null", '{"addr":"a"}', '{"addr":1,"apiKey":"k"}']) {
    writeFileSync(fileOf("prod"), text);
    const refused = await run(["task", "list", "--profile", "prod"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`the profile ${fileOf("prod")} cannot be read`);
  }
});
