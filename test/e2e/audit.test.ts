/** The audit log with real processes: what people type is in it, and whatever somebody does to it afterwards is found. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { createClient } from "#client/index";
import type { AuditEntry } from "#domain/audit/record";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { type Proc, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

interface Announced {
  readonly grpc: readonly [string];
  readonly caPin?: string;
  readonly adminKey?: string;
}

async function announced(proc: Proc): Promise<Announced> {
  return proc.said("its addresses", ({ stdout }) =>
    stdout.endsWith("\n") ? (JSON.parse(stdout) as Announced) : undefined,
  );
}

const addresses = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "warn"];

/** A command, and how it has ended. */
async function command(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const proc = stage.run(words, env);
  const code = await proc.ended;
  return { code, stdout: proc.stdout, stderr: proc.stderr };
}

/** A collector of syslog: what it hears, as a file of one message a line. */
async function collector(file: string) {
  let heard = "";
  const server = createServer((socket) => {
    let rest = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      rest += bytes.toString();
      for (;;) {
        const [head = "", length = ""] = /^(\d+) /.exec(rest) ?? [];
        if (head === "" || rest.length < head.length + Number(length)) return;
        heard += `${rest.slice(head.length, head.length + Number(length)).replace(/^<\d+>1 /, "")}\n`;
        rest = rest.slice(head.length + Number(length));
        writeFileSync(file, heard);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { target: `tcp://127.0.0.1:${port}`, close: () => server.close() };
}

const idIn = (text: string) => (JSON.parse(text) as { id: string }).id;

test("what people type is in the log: who, what, on what, when, and whether it was done; and what somebody changes in the file is found", {
  timeout: 300_000,
}, async () => {
  const data = mkdtempSync(join(stage.dir, "data-"));
  const collected = join(stage.dir, "collected.log");
  const syslog = await collector(collected);
  const start = () =>
    stage.run([
      "server",
      "--json",
      "--tls",
      "auto",
      "--data",
      data,
      "--audit-syslog",
      syslog.target,
      ...addresses,
    ]);
  const first = start();
  const { grpc, caPin = "" } = await announced(first);
  const began = Date.now();
  const asAdmin = ["--addr", grpc[0], "--data", data];
  const as = (key: string, ...words: string[]) =>
    command([...words, "--addr", `https://${grpc[0]}`, "--ca-pin", caPin], { TASKRUN_API_KEY: key });
  const admin = async (...words: string[]) => {
    const { code, stdout, stderr } = await command([...words, ...asAdmin]);
    expect(code, stderr).toBe(0);
    return stdout;
  };

  const keyOf = async (role: string) =>
    JSON.parse(await admin("key", "create", "--role", role, "--json")) as { id: string; text: string };
  const [operator, viewerKey] = [await keyOf("operator"), await keyOf("viewer")];
  const task = idIn(await admin("task", "create", "--agent", "nobody", "--input", "{}", "--json"));
  expect((await as(operator.text, "task", "cancel", task)).code).toBe(0);
  expect((await as(viewerKey.text, "key", "list")).code).toBe(1);
  await admin("key", "revoke", viewerKey.id);
  expect((await as(viewerKey.text, "task", "list")).code).toBe(1);
  expect((await as("letmein", "task", "list")).code).toBe(1);
  await admin("worker", "invite", "--name", "w1");
  // Refusals are written once a minute, or when the server ends.
  await first.end("SIGTERM");

  const second = start();
  const again = await announced(second);
  const here = ["--addr", again.grpc[0], "--data", data];
  const listed = await command(["audit", "list", "--limit", "1000", "--json", ...here]);
  const entries = listed.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEntry);
  for (const { at } of entries) expect(at).toBeGreaterThan(began - 60_000);
  const adminPrincipal = entries.find(({ action }) => action === "worker.invite")?.actor ?? "";
  expect(adminPrincipal).toMatch(/^key:\w{12}$/);
  const said = entries
    .toReversed()
    .map(({ actor, action, object, result }) => [actor, action, object, result].join(" "));
  const isThere = (line: string) => expect(said, said.join("\n")).toContain(line);
  for (const line of [
    "local policy.change server done",
    "local ca.change ca done",
    `${adminPrincipal} key.create key ${operator.id} done`,
    `key:${operator.id} task.cancel task ${task} done`,
    `key:${viewerKey.id} call taskrun.v1.AccessService/ListKeys refused`,
    `${adminPrincipal} key.revoke key ${viewerKey.id} done`,
    `${adminPrincipal} worker.invite worker w1 done`,
  ]) {
    isThere(line);
  }
  const bad = entries.filter(({ action, result }) => action === "key.use" && result === "refused");
  expect(bad.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  expect(
    entries.filter(({ action }) => action === "policy.change").length,
    "the second start is no change",
  ).toBe(1);
  // Nothing of a key is in it.
  for (const secret of [operator.text, viewerKey.text])
    expect(listed.stdout).not.toContain(secret.split("_")[2]);
  await second.end("SIGTERM");

  const checkpoints = join(data, "audit.checkpoints");
  expect(existsSync(collected) && readFileSync(collected, "utf8")).toContain('{"kind":"checkpoint"');
  const whole = mkdtempSync(join(stage.dir, "whole-"));
  cpSync(data, whole, { recursive: true });
  const editor = fileURLToPath(new URL("fixtures/edit-audit.mjs", import.meta.url));
  const verdicts: Record<string, readonly string[]> = {};
  for (const how of ["none", "edit", "rewrite", "delete", "truncate", "swap", "drop"]) {
    const copy = mkdtempSync(join(stage.dir, `${how}-`));
    cpSync(whole, copy, { recursive: true });
    // The store itself refuses pages that are not its own: so its own notes go too, and it is told to go on without them.
    if (how !== "none") {
      execFileSync(process.execPath, [editor, join(copy, "taskrun.db"), how]);
      for (const name of ["taskrun.db.head", "taskrun.db.sums"]) rmSync(join(copy, name), { force: true });
    }
    const repair = how === "none" ? [] : ["--repair"];
    const server = stage.run(["server", "--json", "--tls", "auto", "--data", copy, ...repair, ...addresses]);
    const { grpc: at } = await announced(server);
    const words = ["audit", "verify", "--addr", at[0], "--data", copy, "--checkpoints"];
    // The file of the collector tells the same.
    const [byFile, bySyslog] = [await command([...words, checkpoints]), await command([...words, collected])];
    expect(bySyslog.code, how).toBe(byFile.code);
    verdicts[how] = [String(byFile.code), ...byFile.stdout.trim().split("\n")];
    const newest = await command([
      "audit",
      "list",
      "--limit",
      "9",
      "--json",
      "--addr",
      at[0],
      "--data",
      copy,
    ]);
    expect(newest.stdout.includes('"action":"store.repair"'), how).toBe(how !== "none");
    await server.end("SIGTERM");
  }
  const stopped = mkdtempSync(join(stage.dir, "stopped-"));
  cpSync(whole, stopped, { recursive: true });
  execFileSync(process.execPath, [editor, join(stopped, "taskrun.db"), "rewrite"]);
  const refused = await command(["server", "--json", "--data", stopped, ...addresses]);
  expect(refused.code, refused.stderr).not.toBe(0);
  expect(refused.stderr).toContain("not as this server left them");
  const last = entries.length;
  expect(
    Object.fromEntries(Object.entries(verdicts).map(([how, [code, found]]) => [how, [code, found]])),
  ).toEqual({
    none: ["0", ""],
    edit: ["1", "server 2: entry 2 was changed: its hash is of something else"],
    rewrite: ["1", expect.stringContaining("is not the one that the checkpoint of")],
    delete: ["1", "server 3: entry 3 is missing"],
    // The repair is an entry in its place.
    truncate: [
      "1",
      expect.stringContaining(`server ${last}: entry ${last} is not the one that the checkpoint of`),
    ],
    swap: ["1", "server 2: entry 2 was changed: its hash is of something else"],
    // The start has told of the repair, its policy and its authority.
    drop: ["1", expect.stringContaining("server 4: entry 4 is missing")],
  });
  syslog.close();
});

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("of two nodes over one database", () => {
  test("each has its chain and vouches for the other's; whatever is done to either in the database is found", {
    timeout: 300_000,
  }, async () => {
    const postgres = await PostgresServer.start(["fsync=off"]);
    try {
      const url = postgres.url("audited");
      const folder = (name: string) => join(stage.dir, `pg-${name}`);
      const start = async (name: string) => {
        const proc = stage.run(["server", "--json", "--data", folder(name), ...addresses], {
          TASKRUN_STORE: url,
        });
        return { proc, addr: (await announced(proc)).grpc[0] };
      };
      const [a, b] = [await start("a"), await start("b")];
      for (const { addr } of [a, b]) {
        const client = createClient({ addr });
        for (const name of ["one", "two", "three"]) {
          const version = `1.0.${addr === a.addr ? 0 : 1}`;
          const steps = "steps: [{ name: s, handler: { callable: nobody } }]";
          await client.templates.register(
            `name: ${name}\nnamespace_name: n\nversion: ${version}\n${steps}\n`,
          );
        }
        client.close();
      }
      // The one that ends last has signed all of both.
      await a.proc.end("SIGTERM");
      await b.proc.end("SIGTERM");
      const checkpoints = join(folder("b"), "audit.checkpoints");
      const reader = await start("reader");
      await until("the reader is there", async () => {
        return (await command(["audit", "list", "--addr", reader.addr])).code === 0;
      });
      await postgres.query("CREATE TABLE audited.kept AS TABLE audited.audit");
      const chains = (
        await postgres.query("SELECT chain, count(*)::int AS n FROM audited.kept GROUP BY chain")
      ).map(({ chain, n }) => ({ chain: String(chain), n: Number(n) }));
      expect(chains.map(({ n }) => n)).toEqual([3, 3]);

      const verify = () => command(["audit", "verify", "--addr", reader.addr, "--checkpoints", checkpoints]);
      const whole = await verify();
      expect([whole.code, whole.stdout]).toEqual([0, ""]);
      for (const { chain } of chains)
        expect(whole.stderr).toContain(`${chain}: entries 1 to 3, vouched for up to 3`);
      const found: Record<string, string> = {};
      for (const { chain } of chains) {
        const of = `chain = '${chain}'`;
        const ways = {
          edit: `UPDATE audited.audit SET record = replace(record, 'template', 'templates') WHERE ${of} AND seq = 2`,
          delete: `DELETE FROM audited.audit WHERE ${of} AND seq = 2`,
          truncate: `DELETE FROM audited.audit WHERE ${of} AND seq = 3`,
          begin: `DELETE FROM audited.audit WHERE ${of} AND seq = 1`,
          reorder: `UPDATE audited.audit AS x SET record = y.record FROM audited.kept AS y
            WHERE x.${of} AND y.${of} AND ((x.seq, y.seq) = (1, 2) OR (x.seq, y.seq) = (2, 1))`,
          "whole chain": `DELETE FROM audited.audit WHERE ${of}`,
          rewrite: `DELETE FROM audited.audit WHERE ${of};
            SELECT audited.append_audit_1('${chain}', json_agg(json_build_object('at', at, 'text',
              replace(record, '"local"', '"nobody"')) ORDER BY seq)) FROM audited.kept WHERE ${of}`,
        };
        for (const [how, statement] of Object.entries(ways)) {
          await postgres.query(`SET search_path TO audited; ${statement}`);
          const after = await verify();
          found[`${how} of ${chain}`] = `${after.code} ${after.stdout.split("\n")[0]}`;
          await postgres.query(
            "TRUNCATE audited.audit; INSERT INTO audited.audit SELECT * FROM audited.kept",
          );
        }
      }
      for (const { chain } of chains) {
        const of = (how: string) => found[`${how} of ${chain}`];
        expect(of("edit")).toBe(`1 ${chain} 2: entry 2 was changed: its hash is of something else`);
        expect(of("delete")).toBe(`1 ${chain} 2: entry 2 is missing`);
        expect(of("truncate")).toContain(`1 ${chain} 3: entry 3 is missing: a checkpoint of`);
        expect(of("begin")).toContain(`1 ${chain} 1: entry 1 is missing: nothing signed says`);
        expect(of("reorder")).toBe(`1 ${chain} 1: entry 1 was changed: its hash is of something else`);
        expect(of("whole chain")).toContain(
          `1 ${chain} 1: entry 1 is missing, and so on to 3: a checkpoint of`,
        );
        expect(of("rewrite")).toContain(`1 ${chain} 3: entry 3 is not the one that the checkpoint of`);
      }
      const end = await verify();
      expect([end.code, end.stdout]).toEqual([0, ""]);
    } finally {
      await stage.end();
      await postgres.remove();
    }
  });
});
