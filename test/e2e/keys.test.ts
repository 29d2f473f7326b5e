/** API keys with real processes: servers that share a database, and `dev`. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createClient } from "#client/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { root, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

interface Announced {
  readonly grpc: readonly [string];
  readonly adminKey?: string;
}

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("keys of several servers", () => {
  test("made here, used there, revoked here: what is open there ends in five seconds", {
    timeout: 180_000,
  }, async () => {
    const postgres = await PostgresServer.start(["fsync=off"]);
    const start = async (name: string): Promise<Announced> => {
      const addresses = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
      const where = ["--store", postgres.url("keys"), "--data", join(stage.dir, name)];
      const server = stage.run(["server", "--json", ...where, ...addresses, "--auth", "on"]);
      return server.said("its addresses", ({ stdout }) =>
        stdout.endsWith("\n") ? (JSON.parse(stdout) as Announced) : undefined,
      );
    };
    try {
      const first = await start("first");
      const second = await start("second");
      const [here, there] = [`http://${first.grpc[0]}`, `http://${second.grpc[0]}`];
      // The server that started first has the first key, and says so; the other one does not.
      expect(second.adminKey).toBeUndefined();
      const apiKey = readFileSync(first.adminKey ?? "", "utf8").trim();
      const admin = createClient({ addr: here, apiKey });

      const worker = await admin.keys.create({ name: "fleet", role: "worker" });
      const viewer = await admin.keys.create({ name: "page", role: "viewer" });
      const watcher = createClient({ addr: there, apiKey: viewer.text });
      await until("the other server knows the key", () =>
        watcher.workers.list().then(
          () => true,
          () => false,
        ),
      );
      const { id } = await admin.tasks.create({ agent: "nobody", input: {} });
      const watched = (async () => {
        for await (const _ of watcher.tasks.watch(id));
      })().catch((error: { code: string; reason: string }) => `${error.code} ${error.reason}`);
      const fleet = stage.run(["worker", "--addr", there, "--agent", "support_triage", "--id", "far"], {
        TASKRUN_API_KEY: worker.text,
      });
      await until("the worker is there", async () => (await admin.workers.list()).length === 1);

      const revokedAt = Date.now();
      await Promise.all([admin.keys.revoke(viewer.key.id), admin.keys.revoke(worker.key.id)]);
      expect(await watched).toBe("UNAUTHENTICATED CREDENTIAL_REVOKED");
      await fleet.said("why it was cut off", ({ stderr }) => stderr.includes("the API key was revoked"));
      expect(Date.now() - revokedAt).toBeLessThan(5_000);

      const list = stage.run(["key", "list", "--addr", second.grpc[0]], { TASKRUN_API_KEY: apiKey });
      expect(await list.ended).toBe(0);
      expect(list.stdout).toMatch(new RegExp(`${viewer.key.id}.*revoked .*ago .*page`));
      for (const each of [admin, watcher]) each.close();
    } finally {
      await stage.end();
      await postgres.remove();
    }
  });
});

test("dev asks for a key if it is told to, and has one for its own worker", {
  timeout: 120_000,
}, async () => {
  const own = new Stage();
  try {
    const flags = ["--auth", "on", "--grpc", "127.0.0.1:0", "--http", "off", "--data", "kept"];
    const dev = own.run(["dev", ...flags]);
    const hint = await dev.said("what to try", ({ stdout }) => /task list(.*)$/m.exec(stdout)?.[1]);
    const words = hint.trim().split(" ");
    expect(words).toEqual(["--addr", expect.stringContaining("127.0.0.1:"), "--data", "kept"]);
    const input = ["--input", '{"query":"I was charged twice"}', "--watch"];
    const made = own.run(["task", "create", "--agent", "support_triage", ...input, ...words]);
    expect(await made.ended, made.stderr).toBe(0);
    const stranger = own.run(["task", "list", ...words.slice(0, 2)]);
    expect(await stranger.ended).toBe(1);
    expect(stranger.stderr).toContain("asks for a credential");
  } finally {
    await own.end();
  }
});

test("dev with modules does too", { timeout: 120_000 }, async () => {
  const own = new Stage();
  try {
    mkdirSync(join(own.dir, "node_modules"));
    symlinkSync(root, join(own.dir, "node_modules/taskrun"));
    const text = `import { agent } from "taskrun/worker";
export const tell = agent({ name: "tell", run: async () => "told" });\n`;
    writeFileSync(join(own.dir, "agents.mjs"), text);
    const flags = ["--auth", "on", "--grpc", "127.0.0.1:0", "--http", "off", "--data", "kept"];
    const dev = own.run(["dev", "agents.mjs", ...flags]);
    const addr = await dev.said("where it serves", ({ stdout }) => /gRPC at (\S+);/.exec(stdout)?.[1]);
    await dev.said("its agents", ({ stdout }) => stdout.includes("serving agent tell"));
    const made = own.run(["task", "create", "--agent", "tell", "--watch", "--addr", addr, "--data", "kept"]);
    expect(await made.ended, made.stderr).toBe(0);
  } finally {
    await own.end();
  }
});
