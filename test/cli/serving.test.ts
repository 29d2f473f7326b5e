import { mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AddressedMessage, taskrun } from "./fake-io.js";

interface Serving {
  readonly words: readonly string[];
  readonly use: (firstLine: string) => Promise<void>;
}

/** Runs a command that serves until it is told to stop; `use` gets what it said first. */
async function during({ words, use }: Serving): Promise<AddressedMessage> {
  let used: Promise<void> | undefined;
  const told = await taskrun(words, {
    cwd: import.meta.dirname,
    onWrite: (text, signal) => {
      if (used) return;
      used = use(text).finally(signal);
      used.catch(() => {}); // thrown below, where the test waits for it
    },
  });
  await used;
  return told;
}

const quiet = "--store memory --grpc 127.0.0.1:0 --http off --log-level error".split(" ");

test("a server, a worker and a task, each by its command", async () => {
  const words = ["server", "--json", ...quiet];
  const server = await during({
    words,
    async use(firstLine) {
      const [addr] = JSON.parse(firstLine).grpc;
      const worker = await during({
        words: [
          "worker",
          "--addr",
          addr,
          "--id",
          "w1",
          "--module",
          "fixtures/greeting.ts",
          "--exec",
          "shout=tr a-z A-Z",
        ],
        async use() {
          const create = (...rest: string[]) =>
            taskrun(["task", "create", "--addr", addr, "--watch", ...rest]);
          const input = '{"name":"you"}';

          expect(await create("--agent", "greeting", "--input", input)).toMatchObject({
            code: 0,
            stdout: "hello you\n",
          });
          expect(await create("--agent", "shout", "--input", input)).toMatchObject({
            code: 0,
            stdout: '{"NAME":"YOU"}\n',
          });
          const failed = await create("--agent", "greeting", "--input", '{"name":"nobody"}');
          expect(failed).toMatchObject({ code: 1, stdout: "hello nobody\n" });
          expect(failed.stderr).toContain("there is nobody to greet");
          const listed = await taskrun(["worker", "list", "--json", "--addr", addr]);
          expect(JSON.parse(listed.stdout)).toMatchObject({
            id: "w1",
            agents: [{ name: "shout" }, { name: "greeting" }],
          });
        },
      });
      expect(worker).toMatchObject({ code: 0, stdout: `worker w1 runs shout, greeting for ${addr}\n` });
    },
  });

  expect(server).toMatchObject({ code: 0, stderr: "stopping; signal again to stop at once\n" });
});

test("a server registers the templates of its folder, before it serves and when one is added", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-serving-"));
  const flow = (version: string) => `name: pair
namespace_name: test
version: ${version}
steps:
  - name: first
    handler: { callable: greeting }
  - name: second
    dependencies: [first]
    handler: { callable: greeting }
`;
  mkdirSync(join(cwd, "flows"));
  writeFileSync(join(cwd, "flows", "one.yaml"), flow("1.0.0"));
  writeFileSync(join(cwd, "two.yaml"), flow("2.0.0"));

  await during({
    words: ["server", "--json", ...quiet, "--templates", join(cwd, "flows")],
    async use(firstLine) {
      const [addr] = JSON.parse(firstLine).grpc;
      const on = ["--addr", addr];
      const list = async () => {
        const { stdout } = await taskrun(["template", "list", "--json", ...on]);
        return stdout.split("\n").flatMap((line) => (line === "" ? [] : JSON.parse(line).version));
      };
      expect(await list()).toEqual(["1.0.0"]);
      renameSync(join(cwd, "two.yaml"), join(cwd, "flows", "two.yaml"));
      await expect.poll(list).toEqual(["2.0.0", "1.0.0"]);

      await during({
        words: ["worker", ...on, "--module", "fixtures/greeting.ts"],
        async use() {
          const input = ["--input", '{"name":"you"}'];
          const watched = await taskrun([
            "task",
            "create",
            "--template",
            "test/pair",
            ...input,
            "--watch",
            ...on,
          ]);
          expect(watched).toMatchObject({ code: 0, stdout: "hello you\nhello you\n" });
          const [, id = ""] = /^task (\S+) created/.exec(watched.stderr) ?? [];
          const steps = await taskrun(["task", "steps", id, ...on]);
          expect(steps.stdout).toMatch(/^second +standard +complete +1\/3 +greeting +first /m);
        },
      });
    },
  });
});

test("a folder of templates that is not there ends with 1 and names the option", async () => {
  const { code, stderr } = await taskrun(["server", ...quiet, "--templates", "nowhere"]);

  expect(code).toBe(1);
  expect(stderr).toContain("nowhere cannot be read");
  expect(stderr).toContain("--templates DIR");
});

test("dev serves, runs the agents that come along, and says what to try", async () => {
  const dev = await during({
    words: ["dev", ...quiet],
    async use(firstLine) {
      const [addr = ""] = /127\.0\.0\.1:\d+/.exec(firstLine) ?? [];
      const input = '{"query":"I was charged twice"}';
      const words = [
        "task",
        "create",
        "--addr",
        addr,
        "--agent",
        "support_triage",
        "--input",
        input,
        "--watch",
      ];
      expect(await taskrun(words)).toMatchObject({ code: 0, stdout: expect.stringContaining("billing") });
    },
  });

  expect(dev.code).toBe(0);
  expect(dev.stdout).toContain("Try, in another terminal, in this folder:");
  expect(dev.stdout.match(/^ {2}npx taskrun task .*$/gm)).toHaveLength(3);
});

test("a server whose address is taken says so and ends with 1", async () => {
  await during({
    words: ["server", "--json", ...quiet],
    async use(firstLine) {
      const [addr] = JSON.parse(firstLine).grpc;
      const second = await taskrun(["server", ...quiet, "--grpc", addr]);
      expect(second).toMatchObject({ code: 1, stdout: "" });
      expect(second.stderr).toContain(`cannot listen on ${addr}`);
      expect(second.stderr).toContain("--grpc HOST:PORT");
    },
  });
});

test("a data directory that cannot be is told from one that is not there yet", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-data-"));
  const file = join(cwd, "file");
  writeFileSync(file, "");
  const serve = (data: string) =>
    taskrun(["server", "--grpc", "127.0.0.1:0", "--http", "off", "--data", data], { cwd });

  for (const data of [file, join(file, "below", "it")]) {
    const { code, stderr } = await serve(data);
    expect(code).toBe(1);
    expect(stderr).toContain(`${file} is a file, not a directory`);
    expect(stderr).toContain("--data DIR");
  }
});

test.runIf(process.platform === "linux")(
  "a data directory where nothing can be made is refused",
  async () => {
    const { code, stderr } = await taskrun(["server", "--http", "off", "--data", "/proc/taskrun/data"]);

    expect(code).toBe(1);
    expect(stderr).toContain("cannot write to the data directory /proc/taskrun/data");
  },
);
