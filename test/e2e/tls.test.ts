/** A server by TLS, its worker and its commands as processes: what one person types on two machines. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Stage } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

interface Announced {
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  readonly data: string;
  readonly tls: boolean;
  readonly caPin: string;
  readonly adminKey: string;
}

async function announced(...flags: readonly string[]): Promise<Announced> {
  const addresses = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const server = stage.run(["server", "--json", "--store", "memory", ...addresses, ...flags]);
  return server.said("its addresses", ({ stdout }) => {
    return stdout.endsWith("\n") ? (JSON.parse(stdout) as Announced) : undefined;
  });
}

test("with --tls auto a worker and commands need the pin and a key, and nothing else", {
  timeout: 180_000,
}, async () => {
  const { grpc, http, data, tls, caPin, adminKey } = await announced("--tls", "auto");
  const [addr = ""] = grpc;
  expect(tls).toBe(true);
  expect((statSync(adminKey).mode & 0o777).toString(8)).toBe("600");
  const taskrun = async (words: readonly string[], env: Record<string, string> = {}) => {
    const proc = stage.run([...words, "--addr", addr], env);
    return { exit: await proc.ended, stdout: proc.stdout, stderr: proc.stderr };
  };

  // On the server's machine nothing stands between its user and the first key.
  const made = await taskrun(["key", "create", "--role", "worker", "--name", "far away", "--data", data]);
  expect(made.stdout, made.stderr).toMatch(/^tr_\w+\n$/);
  const workerKey = made.stdout.trim();
  const worker = stage.run(
    ["worker", "--addr", addr, "--ca-pin", caPin, "--agent", "support_triage", "--id", "far"],
    {
      TASKRUN_API_KEY: workerKey,
    },
  );
  await worker.said("hello", ({ stdout }) => stdout.includes("worker far runs"));

  const env = { TASKRUN_CA_PIN: caPin };
  const words = [
    "task",
    "create",
    "--agent",
    "support_triage",
    "--input",
    '{"query":"I was charged twice"}',
    "--watch",
  ];
  const created = await taskrun([...words, "--api-key-file", adminKey], env);
  expect(created.exit, created.stderr).toBe(0);
  const listed = await taskrun(["worker", "list", "--ca", join(data, "tls/ca.pem")], {
    TASKRUN_API_KEY: readFileSync(adminKey, "utf8").trim(),
  });
  expect(listed.exit, listed.stderr).toBe(0);
  expect(listed.stdout).toContain("far");

  const nobody = await taskrun(["worker", "list"], env);
  expect(nobody.exit).toBe(1);
  expect(nobody.stderr).toContain("asks for a credential");
  expect(nobody.stderr).toContain("--data DIR");
  const small = await taskrun(["task", "list"], { ...env, TASKRUN_API_KEY: workerKey });
  expect(small.stderr).toContain("needs tasks:list, which your credential does not have");

  const keys = await taskrun(["key", "list", "--data", data]);
  expect(keys.stdout).toMatch(/worker .* far away/);
  const id = workerKey.split("_")[1] ?? "";
  expect((await taskrun(["key", "revoke", id, "--data", data])).exit).toBe(0);
  const revoked = await taskrun(["worker", "list"], { ...env, TASKRUN_API_KEY: workerKey });
  expect(revoked.stderr).toContain("was revoked");

  const untrusting = stage.run(["worker", "list", "--addr", `https://${addr}`]);
  expect(await untrusting.ended).toBe(3);
  expect(untrusting.stderr).toContain("authority that is not trusted");
  const plain = await taskrun(["worker", "list"]);
  expect(plain.exit).toBe(3);
  expect(plain.stderr).toContain("if it speaks TLS, write https://");

  const ca = readFileSync(join(data, "tls/ca.pem"));
  const status = await new Promise((resolve) =>
    get(`https://${http[0]}/health/ready`, { ca }, (r) => resolve(r.statusCode)),
  );
  expect(status).toBe(200);
});

test.each([
  [[], 2, "say --tls auto (or --tls-cert and --tls-key) and --auth on, or --insecure"],
  [["--tls", "auto", "--auth", "off"], 2, "say --auth on, or --insecure"],
  [["--auth", "on"], 2, "say --tls auto (or --tls-cert and --tls-key), or --insecure"],
] as const)(
  "beyond the loopback with %j a server does not start",
  { timeout: 60_000 },
  async (flags, code, says) => {
    const server = stage.run([
      "server",
      "--store",
      "memory",
      "--grpc",
      "0.0.0.0:0",
      "--http",
      "off",
      ...flags,
    ]);
    expect(await server.ended).toBe(code);
    expect(server.stderr).toContain(says);
  },
);

test("beyond the loopback TLS alone lets a server start, since callers are then asked for a key", {
  timeout: 60_000,
}, async () => {
  const server = stage.run([
    "server",
    "--store",
    "memory",
    "--grpc",
    "0.0.0.0:0",
    "--http",
    "off",
    "--tls",
    "auto",
  ]);
  await server.said("its addresses", ({ stdout }) => stdout.includes("callers are asked for an API key"));
  expect(server.stdout).not.toContain("insecure");
});

test("a server whose keys others can read does not start", { timeout: 120_000 }, async () => {
  const { data } = await announced("--tls", "auto");
  execFileSync("chmod", ["640", join(data, "tls/ca.key")]);
  const again = stage.run([
    "server",
    "--store",
    "memory",
    "--grpc",
    "127.0.0.1:0",
    "--http",
    "off",
    "--data",
    data,
    "--tls",
    "auto",
  ]);
  expect(await again.ended).toBe(1);
  expect(again.stderr).toContain("can be read by others (mode 0640)");
});

test("--insecure says so in the announcement, in each line of the log, and on /health", {
  timeout: 120_000,
}, async () => {
  const server = stage.run([
    "server",
    "--store",
    "memory",
    "--grpc",
    "0.0.0.0:0",
    "--http",
    "127.0.0.1:0",
    "--insecure",
    "--log-level",
    "debug",
  ]);
  const address = await server.said("its addresses", ({ stdout }) => /HTTP at (\S+);/.exec(stdout)?.[1]);
  expect(server.stdout).toContain("warning: insecure: everybody who reaches 0.0.0.0:");
  const response = await fetch(`http://${address}/health`);
  expect(await response.json()).toMatchObject({
    status: "healthy",
    insecure: [expect.stringMatching(/^0\.0\.0\.0:\d+$/)],
  });
  const lines = server.stderr.split("\n").filter((line) => line.startsWith("{"));
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ insecure: true });
});
