/**
 * A server exports ended Tasks before it removes them, and is killed in the middle of that, again and again: what it has removed is in a
 * whole file, nothing is lost, and an import into an empty store makes of the files what there was, byte for byte.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { hasEnded, type TaskRunClient, type TaskRunError } from "#client/index";
import { type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

const preload = fileURLToPath(new URL("./fixtures/later.mjs", import.meta.url));
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CROWD = 30;

async function command(args: readonly string[]): Promise<string> {
  const proc = stage.run(args);
  expect(await proc.ended, proc.stderr).toBe(0);
  return proc.stdout;
}

/** A server that keeps ended Tasks for a day, and exports to the folder `old`. */
async function exporting(): Promise<{ server: Server; cwd: string; folder: string }> {
  const server = await stage.server({ node: ["--import", preload] });
  const cwd = dirname(server.data);
  const folder = join(cwd, "old");
  await server.proc.end("SIGTERM");
  writeFileSync(join(cwd, "taskrun.toml"), `retention = "24h"\nexport-to = ${JSON.stringify(folder)}\n`);
  await server.start();
  return { server, cwd, folder };
}

/** Tasks that have completed, one that waits, and one whose dead letter is pending. */
async function crowd(server: Server, client: TaskRunClient) {
  const worker = await stage.worker(server.addr, { id: "w1", maxRuns: 8 });
  const made = [];
  for (let n = 0; n < CROWD; n += 1) {
    made.push(await client.tasks.create({ agent: "writer", input: { chunks: 3, delayMs: 1 } }));
  }
  const waiting = await client.tasks.create({ agent: "nobody" });
  const lettered = await client.tasks.create({ agent: "nobody", timeoutMs: 1 });
  const ids = [...made, lettered].map(({ id }) => id);
  await until("all have ended", async () =>
    (await Promise.all(ids.map((id) => client.tasks.get(id)))).every(hasEnded),
  );
  await worker.end("SIGTERM");
  return { ids: made.map(({ id }) => id), kept: [waiting.id, lettered.id] };
}

const filesIn = (folder: string) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".jsonl")) : [];

/** The Tasks that are in the files. */
function exported(folder: string): ReadonlySet<string> {
  const lines = filesIn(folder).flatMap((name) =>
    readFileSync(join(folder, name), "utf8").trim().split("\n"),
  );
  const all = lines.map((line) => JSON.parse(line) as { type: string; row: { id: string } });
  return new Set(all.filter(({ type }) => type === "task").map(({ row }) => row.id));
}

async function presentOf(client: TaskRunClient, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    ids.map((id) =>
      client.tasks.get(id).catch((error: TaskRunError) => {
        expect(error.code).toBe("NOT_FOUND");
        return undefined;
      }),
    ),
  );
  return found.flatMap((task) => task?.id ?? []);
}

/** The lines of an export, without that of its beginning, which says when it was made. */
const linesOf = (text: string) => text.trim().split("\n").slice(1);

test("what retention removes is in a whole file, though the server is killed in the middle of exports", {
  timeout: 180_000,
}, async () => {
  const { server, cwd, folder } = await exporting();
  const client = stage.client(server.addr);
  const { ids, kept } = await crowd(server, client);
  const completed = ["--status", "COMPLETED"];
  const before = await command(["export", "--data", server.data, ...completed]);
  expect(linesOf(before).length).toBeGreaterThan(CROWD * 5);

  let later = 2 * DAY;
  const goOn = () => writeFileSync(join(cwd, "later"), String(later));
  for (const when of ["opened", "written", "linked"] as const) {
    writeFileSync(join(cwd, "export-kill"), when);
    goOn();
    expect(await server.proc.ended, when).toBe("SIGKILL");
    expect(filesIn(folder).length, when).toBe(when === "linked" ? 1 : 0);
    await server.start();
    expect(await presentOf(client, ids), when).toEqual(ids);
    // A server waits six hours before it believes how much time has passed since the last commit of the one before.
    later += 8 * HOUR;
  }

  goOn();
  await until("the tasks are removed", async () => (await presentOf(client, ids)).length === 0);
  expect([...exported(folder)].toSorted()).toEqual(ids.toSorted());
  // Twice: the first file was there when the server was killed, before the first Task was removed.
  expect(filesIn(folder)).toHaveLength(2);
  expect(await presentOf(client, kept)).toEqual(kept);
  await server.proc.end("SIGTERM");

  const files = filesIn(folder).map((name) => join(folder, name));
  const data = join(stage.dir, "new");
  expect(await command(["import", ...files, "--data", data])).toBe(
    `${CROWD} imported, ${CROWD} there already, 0 refused\n`,
  );
  expect(linesOf(await command(["export", "--data", data, ...completed]))).toEqual(linesOf(before));
});
