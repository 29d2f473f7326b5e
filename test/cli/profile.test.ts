import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { target } from "#cli/connection";
import type { Io } from "#cli/terminal/io";
import { taskrun } from "./fake-io.js";

let home = "";
const env = () => ({ XDG_CONFIG_HOME: home });
const run = (...words: readonly string[]) => taskrun(["profile", ...words], { env: env() });

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "taskrun-profile-"));
  const folder = join(home, "taskrun", "profiles");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const profiles = {
    prod: { addr: "prod:50051", apiKey: "tr_abc_SECRET", namespace: "shop", caPin: "sha256:x" },
    test: { addr: "test:50051", cert: "/c.pem", certKey: "/k.pem" },
  };
  for (const [name, profile] of Object.entries(profiles)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(profile), { mode: 0o600 });
  }
});

/** Which server a command means. */
const meant = (options: object = {}, more: Record<string, string> = {}, cwd = home) =>
  target({ cwd, env: { ...env(), ...more }, self: "taskrun" } as unknown as Io, options);

test("profiles are listed, shown and removed, and no secret with them", async () => {
  expect((await run("list")).stdout).toBe("  prod  prod:50051\n  test  test:50051\n");
  const shown = await run("show", "prod");
  expect(shown.stdout).toContain("credential  API key abc");
  expect(shown.stdout).toContain("trust       pin sha256:x");
  const json = await run("show", "test", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ addr: "test:50051", credential: "certificate /c.pem" });
  for (const { stdout } of [shown, json, await run("list", "--json")]) expect(stdout).not.toContain("SECRET");

  expect((await run("remove", "prod")).stderr).toContain("profile prod is gone; its key still counts");
  expect((await run("show", "prod")).code).toBe(4);
  expect((await run("list")).stdout).toBe("  test  test:50051\n");
});

test("the profile in use stands for a server where nothing else names one", async () => {
  expect((await meant()).addr).toBe("localhost:50051");
  expect(await run("use", "prod")).toMatchObject({ code: 0, stdout: "" });
  expect((await run("list")).stdout).toBe("* prod  prod:50051\n  test  test:50051\n");

  expect(await meant()).toMatchObject({ addr: "prod:50051", namespace: "shop", apiKey: "tr_abc_SECRET" });
  expect(await meant({ namespace: "other" })).toMatchObject({ addr: "prod:50051", namespace: "other" });
});

test.each([
  ["an address", { addr: "else:1" }, {}],
  ["a data directory", { data: "/d" }, {}],
  ["a variable", {}, { TASKRUN_ADDR: "else:1" }],
  ["a login", { inUse: false }, {}],
])("its credential goes nowhere that %s names", async (_, options, more: Record<string, string>) => {
  await run("use", "prod");
  const withoutFile = { ...options };
  const found = await meant(withoutFile, more).catch((error: Error) => error.message);
  expect(JSON.stringify(found)).not.toContain("SECRET");
  expect(JSON.stringify(found)).not.toContain("prod:50051");
});

test("a project's file that names a server, and a profile that is named, count before the one in use", async () => {
  await run("use", "prod");
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-project-"));
  writeFileSync(join(cwd, "taskrun.toml"), 'addr = "project:1"');
  expect(JSON.stringify(await meant({}, {}, cwd))).not.toContain("SECRET");
  expect(await meant({ profile: "test" })).toMatchObject({ addr: "test:50051", cert: "/c.pem" });
});

test("what is no profile cannot be used, and one that is removed is in use no more", async () => {
  expect((await run("use", "nope")).code).toBe(4);
  await run("use", "prod");
  await run("use");
  expect((await meant()).addr).toBe("localhost:50051");
  await run("use", "prod");
  await run("remove", "prod");
  expect((await meant()).addr).toBe("localhost:50051");
  expect(() => readFileSync(join(home, "taskrun", "profile-in-use"))).toThrow("ENOENT");
});
