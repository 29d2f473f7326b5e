/** From an invitation to a worker that is known by its certificate, and back: what people type, as processes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { createClient } from "#client/index";
import { Proc, pause, root, Stage, until } from "./kit/harness.js";

const stage = new Stage();
const own: Proc[] = [];
afterAll(async () => {
  for (const proc of own) proc.signal("SIGKILL");
  await stage.end();
});

interface Announced {
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  readonly data: string;
  readonly caPin: string;
  readonly adminKey: string;
}

const announcedBy = (proc: Proc) =>
  proc.said("its addresses", ({ stdout }) => {
    return stdout.endsWith("\n") ? (JSON.parse(stdout) as Announced) : undefined;
  });

async function server(...more: string[]): Promise<Announced> {
  const addresses = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const data = mkdtempSync(join(stage.dir, "data-"));
  return announcedBy(stage.run(["server", "--json", "--tls", "auto", "--data", data, ...addresses, ...more]));
}

/** A command on the server's machine. */
async function command({ grpc, data }: Announced, ...words: string[]) {
  const proc = stage.run([...words, "--addr", grpc[0] ?? "", "--data", data]);
  return { exit: await proc.ended, stdout: proc.stdout, stderr: proc.stderr };
}

/** The printed line, as a shell would run it. */
function typed(
  line: string,
  ...more: string[]
): { words: string[]; env: Record<string, string>; proc: () => Proc } {
  const [, token = "", rest = ""] = /^TASKRUN_TOKEN=(\S+) .*?(worker --addr .*)$/.exec(line.trim()) ?? [];
  const words = [...rest.split(" "), ...more];
  const env = { TASKRUN_TOKEN: token };
  return { words, env, proc: () => stage.run(words, env) };
}

const clientOf = ({ grpc, caPin, adminKey }: Announced) =>
  createClient({ addr: grpc[0] ?? "", caPin, apiKey: readFileSync(adminKey, "utf8").trim() });

const connections = ({ stderr }: Proc) => stderr.split('"msg":"connected"').length - 1;

test("one printed line starts a worker, which keeps its identity until it is revoked", {
  timeout: 240_000,
}, async () => {
  const plane = await server();
  const invited = await command(
    plane,
    "worker",
    "invite",
    "--name",
    "w1",
    "--labels",
    "zone=a",
    "--agents",
    "support_triage",
  );
  expect(invited.exit, invited.stderr).toBe(0);
  expect(invited.stdout).toMatch(
    /^TASKRUN_TOKEN=trb_\w{10}_\w{43}_\w{6} \S.* worker --addr \S+ --ca-pin sha256:[0-9a-f]{64}\n$/,
  );
  expect(invited.stderr).toContain("--worker-addr HOST:PORT");
  const line = typed(invited.stdout, "--agent", "support_triage");
  const [, id = ""] = line.env.TASKRUN_TOKEN?.split("_") ?? [];
  const folder = join(stage.dir, ".taskrun/workers", id);

  const first = line.proc();
  await first.said("it connects", (proc) => connections(proc) === 1);
  expect(first.stdout).toContain("worker w1 runs support_triage");
  const secret = line.env.TASKRUN_TOKEN?.split("_")[2] ?? "";
  for (const said of [first.stdout, first.stderr, readFileSync(`/proc/${first.pid}/cmdline`, "utf8")]) {
    expect(said).not.toContain(secret);
  }
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect(readdirSync(folder)).toEqual(["identity.json"]);
  expect([mode(folder), mode(join(folder, "identity.json"))]).toEqual(["700", "600"]);
  expect(readFileSync(join(folder, "identity.json"), "utf8")).not.toContain(secret);

  const client = clientOf(plane);
  const run = () =>
    client.tasks.run({ agent: "support_triage", input: { query: "I was charged twice" }, labels: {} });
  await run();
  expect(await client.workers.list()).toMatchObject([{ id: "w1", labels: { zone: "a" } }]);

  // The same line again: what is kept is used, and the token is not.
  await first.end("SIGTERM");
  const second = line.proc();
  await second.said("it connects", (proc) => connections(proc) === 1);
  expect(second.stderr).not.toContain("enrolled");
  await run();
  await second.end("SIGTERM");

  // A thief of the token has not the key.
  const thief = stage.run([...line.words, "--identity-dir", "thief"], line.env);
  expect(await thief.ended).toBe(1);
  expect(thief.stderr).toContain("the token was used already");
  const pin = `sha256:${"0".repeat(64)}`;
  const deceived = stage.run(
    line.words.map((word) => (word.startsWith("sha256:") ? pin : word)).concat("--identity-dir", "deceived"),
    line.env,
  );
  await deceived.said("it waits", ({ stderr }) => stderr.includes("no certificate with the pin"));
  await deceived.end("SIGKILL");
  const blind = stage.run(
    ["worker", "--addr", `https://${plane.grpc[0]}`, "--identity-dir", "blind"],
    line.env,
  );
  expect(await blind.ended).toBe(2);
  expect(blind.stderr).toContain("caPin");

  const third = line.proc();
  await third.said("it connects", (proc) => connections(proc) === 1);
  expect((await command(plane, "worker", "enrolled")).stdout).toMatch(
    /^default\/w1 {2}until .* support_triage {2}zone=a\n$/,
  );
  const before = performance.now();
  const revoked = await command(plane, "worker", "revoke", "w1");
  expect(revoked.stdout).toContain("default/w1  revoked");
  expect(await third.ended).toBe(1);
  expect(performance.now() - before).toBeLessThan(15_000); // two processes start meanwhile
  expect(third.stderr).toContain("the worker's certificate was revoked");
  const fourth = line.proc();
  await fourth.said("it is refused", ({ stderr }) => stderr.includes('"msg":"no connection to the plane"'));
  expect(connections(fourth)).toBe(0);
  await fourth.end("SIGKILL");
  expect(await client.workers.list()).toEqual([]);
  client.close();
});

test("certificates of seconds are renewed under load, and no run is lost or tried twice", {
  timeout: 300_000,
}, async () => {
  const data = mkdtempSync(join(stage.dir, "short-"));
  const program = fileURLToPath(new URL("fixtures/short-certificates.mjs", import.meta.url));
  const start = () => {
    const proc = new Proc([program, data, "15000"], stage.dir);
    own.push(proc);
    return proc;
  };
  const plane = await announcedBy(start());
  const invited = await command(plane, "worker", "invite", "--name", "fleet", "--count", "2");
  const lines = invited.stdout.trim().split("\n");
  expect(lines.length).toBe(2);
  const module = fileURLToPath(new URL("kit/agents.mjs", import.meta.url));
  const workers = lines.map((line) => typed(line, "--module", module, "--max-runs", "20").proc());
  for (const worker of workers) await worker.said("it connects", (proc) => connections(proc) === 1);

  const client = clientOf(plane);
  const renewals = (proc: Proc) => proc.stderr.split("the worker's certificate was renewed").length - 1;
  const tasks: Promise<unknown>[] = [];
  const until2 = Date.now() + 120_000;
  while (workers.some((worker) => renewals(worker) < 2) && Date.now() < until2) {
    tasks.push(client.tasks.run({ agent: "writer", input: { chunks: 10, delayMs: 150, bytes: 2_000 } }));
    await pause(100);
  }
  await Promise.all(tasks);
  expect(tasks.length).toBeGreaterThan(50);
  for (const worker of workers) {
    expect(renewals(worker)).toBeGreaterThanOrEqual(2);
    expect(connections(worker)).toBe(renewals(worker) + 1);
    expect(worker.stderr).not.toContain("lease lost");
  }
  const more: unknown[] = [];
  for await (const { id } of client.tasks.list({ agent: "writer" })) {
    const { runs = [] } = await client.tasks.get(id);
    if (runs.length !== 1)
      more.push(runs.map(({ status, attempt, errorMessage }) => ({ status, attempt, errorMessage })));
  }
  // Not one was tried twice.
  expect(more).toEqual([]);
  client.close();
});

test("an authority that the page's lines for openssl make signs instead: its root's key is not on the server", {
  timeout: 120_000,
}, async () => {
  const cwd = mkdtempSync(join(stage.dir, "issuer-"));
  const shell = shellOf("An authority of yours");
  expect(shell).toContain("issuer.pem");
  execFileSync("sh", ["-eu", "-c", shell], { cwd, env: { PATH: process.env.PATH ?? "" }, stdio: "pipe" });
  const files = ["--issuer-cert", join(cwd, "issuer.pem"), "--issuer-key", join(cwd, "issuer.key")];
  const plane = await server(...files);
  const invited = await command(plane, "worker", "invite", "--name", "w1");
  expect(invited.stdout).toContain(plane.caPin);
  const line = typed(invited.stdout, "--agent", "support_triage", "--identity-dir", "issued");
  const worker = line.proc();
  await worker.said("it connects", (proc) => connections(proc) === 1);
  const client = clientOf(plane);
  await client.tasks.run({ agent: "support_triage", input: { query: "I was charged twice" }, labels: {} });
  client.close();
  const exported = await command(plane, "worker", "enrolled");
  expect(exported.stdout).toContain("default/w1");
  const rotated = await command(plane, "ca", "rotate");
  expect([rotated.exit, rotated.stderr.includes("rotated where its keys are")]).toEqual([1, true]);
  await worker.end("SIGTERM");
});

/** The shell lines of the page, between the marks of a section. */
function shellOf(section: string): string {
  const page = readFileSync(join(root, "docs/security.md"), "utf8");
  const [, rest = ""] = page.split(`### ${section}\n`);
  const [, block = ""] = /```sh\n([\s\S]*?)```/.exec(rest) ?? [];
  return block;
}

test("the page's lines for openssl and curl enrol a worker of the public protocol", {
  timeout: 120_000,
}, async () => {
  const plane = await server();
  const invited = await command(plane, "worker", "invite", "--name", "public", "--json");
  const { token, caPin } = JSON.parse(invited.stdout) as { token: string; caPin: string };
  const cwd = mkdtempSync(join(stage.dir, "public-"));
  const env = { PATH: process.env.PATH ?? "", TASKRUN_TOKEN: token, PIN: caPin, SERVER: plane.http[0] ?? "" };
  const shell = shellOf("A worker by openssl and curl alone");
  expect(shell).toContain("/v1/enroll");
  const run = (more = {}) =>
    execFileSync("sh", ["-eu", "-c", shell], {
      cwd,
      env: { ...env, ...more },
      encoding: "utf8",
      stdio: "pipe",
    });
  expect(() => run({ PIN: `sha256:${"0".repeat(64)}` })).toThrow();
  run();
  const text = execFileSync("openssl", ["x509", "-in", "worker.pem", "-noout", "-text"], {
    cwd,
    encoding: "utf8",
  });
  expect(text).toContain("URI:spiffe://taskrun/t/default/w/public");
  const verify = [
    "verify",
    "-x509_strict",
    "-purpose",
    "sslclient",
    "-CAfile",
    "ca.pem",
    "-untrusted",
    "worker.pem",
    "worker.pem",
  ];
  expect(execFileSync("openssl", verify, { cwd, encoding: "utf8" })).toContain("OK");
  expect((statSync(join(cwd, "worker.key")).mode & 0o077).toString(8)).toBe("0");
});

test("ca init makes the authority that the server then has; status and export show it, and no key", {
  timeout: 120_000,
}, async () => {
  const data = mkdtempSync(join(stage.dir, "ca-"));
  const ca = async (...words: string[]) => {
    const proc = stage.run(["ca", ...words, "--data", data]);
    return { exit: await proc.ended, stdout: proc.stdout, stderr: proc.stderr };
  };
  const none = await ca("status");
  expect([none.exit, none.stderr.includes("ca init")]).toEqual([1, true]);
  const made = JSON.parse((await ca("init", "--json")).stdout) as { pin: string };
  expect((await ca("status")).stdout).toContain(made.pin);
  expect((await ca("init")).stdout).toContain(made.pin);
  const exported = await ca("export");
  expect(exported.stdout).toBe(readFileSync(join(data, "tls/ca.pem"), "utf8").trim().concat("\n"));
  expect(exported.stdout).not.toContain("KEY");
  const started = stage.run([
    "server",
    "--json",
    "--tls",
    "auto",
    "--grpc",
    "127.0.0.1:0",
    "--http",
    "off",
    "--data",
    data,
  ]);
  expect((await announcedBy(started)).caPin).toBe(made.pin);
  await until("it ends", async () => (await started.end("SIGTERM")) === 0);
});
