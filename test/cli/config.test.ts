import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withoutSecrets } from "#cli/config/redact";
import { settingNames } from "#config/index";
import { type Setting, taskrun } from "./fake-io.js";

/** Runs `config …` in a new folder with this file. */
function config(words: readonly string[], toml?: string, setting: Setting = {}) {
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-config-"));
  if (toml !== undefined) writeFileSync(join(cwd, "taskrun.toml"), toml);
  const run = taskrun(["config", ...words], { cwd, ...setting });
  return run.then((answer) => ({ ...answer, stdout: answer.stdout.replaceAll(cwd, "CWD") }));
}

const valid = `# comment
lease = "5s"
heartbeat = "1s"

[jwt-roles]
ops = "admin"
`;

test("a valid configuration is said to be valid, and how much of it is given", async () => {
  expect(await config(["check"], 'lease = "60s"')).toEqual({
    code: 0,
    stdout: "The settings are valid; 1 setting is not at the default.\n",
    stderr: "",
  });
  expect((await config(["check"])).code).toBe(0);
});

test("everything that is wrong is reported at once, wherever it stands", async () => {
  const env = { TASKRUN_HEARTBEAT: "fast", TASKRUN_LEESE: "5s" };
  const { code, stdout, stderr } = await config(["check", "--retention", "1w"], 'leas = "5s"', { env });
  expect([code, stderr]).toEqual([2, ""]);
  expect(stdout).toMatchInlineSnapshot(`
    "CWD/taskrun.toml: there is no setting leas; did you mean lease?
    there is no variable TASKRUN_LEESE; did you mean TASKRUN_LEASE?
    TASKRUN_HEARTBEAT: "fast" is not a duration; write a number and ms, s, m, h or d, for example 30s
    --retention: "1w" is not a duration; write a number and ms, s, m, h or d, for example 30s
    "
  `);
  const json = await config(["check", "--json", "--retention", "1w"]);
  expect([json.code, JSON.parse(json.stdout)]).toEqual([
    2,
    { ok: false, problems: [expect.stringContaining("--retention")] },
  ]);
});

test("a file that cannot be read as TOML is reported with its line", async () => {
  const { code, stdout } = await config(["check"], "lease = 5s");
  expect([code, stdout]).toEqual([2, expect.stringContaining("taskrun.toml:1:")]);
});

test("a setting that names a file which is not there is wrong", async () => {
  const { code, stdout } = await config(["check"], 'templates = "nowhere"');
  expect([code, stdout]).toEqual([
    2,
    "CWD/taskrun.toml:1: templates names CWD/nowhere, which does not exist\n",
  ]);
});

test("every setting is shown with its value and where that comes from", async () => {
  const env = { TASKRUN_LOG_LEVEL: "debug" };
  const { code, stdout } = await config(["show", "--given", "--lease", "30s"], valid, { env });
  expect(code).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "SETTING    VALUE            FROM
    jwt-roles  {"ops":"admin"}  CWD/taskrun.toml:5
    lease      30s              --lease
    heartbeat  1s               CWD/taskrun.toml:3
    log-level  debug            TASKRUN_LOG_LEVEL
    "
  `);
  const all = JSON.parse((await config(["show", "--json"])).stdout) as { name: string; origin: string }[];
  expect(all.map(({ name }) => name)).toEqual(settingNames);
  expect(new Set(all.map(({ origin }) => origin))).toEqual(new Set(["default"]));
});

test("no password is shown", async () => {
  const store = "postgres://ann:s3cret@db/taskrun?password=s3cret";
  for (const words of [["show"], ["show", "--json"], ["explain", "store"]]) {
    const { stdout } = await config(
      words,
      `store = "${store}"\notlp = "https://me:s3cret@host/v1?token=s3cret&a=b"`,
    );
    expect(stdout).not.toContain("s3cret");
    expect(stdout).toContain("db");
  }
  expect(withoutSecrets(["https://u:p@h/x?api_key=1&sig=2&page=3"])).toEqual([
    "https://u:***@h/x?api_key=***&sig=***&page=3",
  ]);
});

test("a setting is explained by its name, its option or its variable", async () => {
  for (const name of ["lease", "--lease", "TASKRUN_LEASE"]) {
    const { code, stdout } = await config(["explain", name], valid);
    expect(code).toBe(0);
    expect(stdout).toContain("now       5s, from CWD/taskrun.toml:2");
    expect(stdout).toContain("set by    --lease, TASKRUN_LEASE, or lease in taskrun.toml");
  }
  const slip = await config(["explain", "leese"]);
  expect([slip.code, slip.stderr]).toEqual([2, expect.stringContaining("did you mean lease?")]);
  expect(JSON.parse((await config(["explain", "jwt-roles", "--json"], valid)).stdout)).toMatchObject({
    name: "jwt-roles",
    value: { ops: "admin" },
    origin: "CWD/taskrun.toml:5",
  });
});
