import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Client } from "pg";

/** PostgreSQL refuses to run as root: then it is run as nobody. */
const NOBODY = 65_534;
const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** The folder of PostgreSQL's programs: where the variable says, or where Debian has the newest; undefined if there is none. */
export const postgresPrograms: string | undefined = findPrograms();

/** Why tests are skipped that need a PostgreSQL server; undefined if they are not. Shown as the name of a skipped test. */
export const noPostgres =
  postgresPrograms === undefined
    ? "PostgreSQL is not installed here: set TASKRUN_TEST_POSTGRES to the folder of initdb and postgres"
    : undefined;

function findPrograms(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [process.env.TASKRUN_TEST_POSTGRES, ...versions.map((each) => join(debian, each, "bin"))];
  return folders.find((folder) => folder && existsSync(join(folder, "initdb")));
}

/** A PostgreSQL server of the test's own, on a free port of the loopback address. */
export class PostgresServer {
  readonly port: number;
  readonly folder: string;
  readonly #settings: readonly string[];
  readonly #programs: string;
  #process: ChildProcess | undefined;
  #schemas = 0;

  private constructor(folder: string, port: number, settings: readonly string[], programs: string) {
    this.folder = folder;
    this.#programs = programs;
    this.port = port;
    this.#settings = settings;
  }

  /**
   * @param settings of the server, `name=value` each
   * @param programs the folder of initdb and postgres
   */
  static async start(
    settings: readonly string[] = ["fsync=off"],
    programs = String(postgresPrograms),
  ): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), "taskrun-postgres-"));
    if (identity.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
    const args = [
      "-D",
      join(folder, "data"),
      "-U",
      "taskrun",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--no-sync",
      "--locale=C",
    ];
    const made = spawnSync(join(programs, "initdb"), args, {
      ...identity,
      cwd: folder,
      encoding: "utf8",
    });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const server = new PostgresServer(folder, await freePort(), settings, programs);
    await server.run();
    // A standby may not write, unless it is told to.
    await server.query(
      "BEGIN READ WRITE; CREATE ROLE ordinary LOGIN; GRANT CREATE ON DATABASE postgres TO ordinary; COMMIT",
    );
    return server;
  }

  /** The URL of a schema, by default of one that nobody has used. */
  url(schema = `s${++this.#schemas}`, port = this.port): string {
    return `postgres://taskrun:secret@127.0.0.1:${port}/postgres?sslmode=disable&schema=${schema}`;
  }

  /** The same for a user who is no superuser, as a server has one: row-level security holds for it. */
  ordinaryUrl(schema?: string): string {
    return this.url(schema).replace("//taskrun:", "//ordinary:");
  }

  /** Starts it again, after `stop` or `kill`. */
  async run(): Promise<void> {
    const settings = [
      `port=${this.port}`,
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${this.folder}`,
      "max_connections=200",
      ...this.#settings,
    ];
    const args = ["-D", join(this.folder, "data"), ...settings.flatMap((each) => ["-c", each])];
    const child = spawn(join(this.#programs, "postgres"), args, {
      ...identity,
      cwd: this.folder,
      stdio: ["ignore", "ignore", process.env.TASKRUN_TEST_POSTGRES_LOG ? "inherit" : "ignore"],
    });
    this.#process = child;
    while (!(await this.#answers())) {
      if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
      await setTimeout(20);
    }
  }

  /** Ends it: `SIGINT` lets go of its clients and writes what is to be written, `SIGQUIT` does not, `SIGKILL` is a crash. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** A schema that a store has left, as good as new. It takes a fraction of the time that a new one takes. */
  async empty(schema: string): Promise<void> {
    const tables = await this.query(
      `SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS list FROM pg_tables
        WHERE schemaname = $1 AND tablename NOT IN ('migrations', 'plane')`,
      [schema],
    );
    const list = tables[0]?.list;
    if (list) await this.query(`TRUNCATE ${list} RESTART IDENTITY`);
  }

  /** Runs a statement of the test's own. */
  async query(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ host: "127.0.0.1", port: this.port, user: "taskrun", database: "postgres" });
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Ends and removes it at once, for the end of a process that has no time left. */
  abandon(): void {
    this.#process?.kill("SIGQUIT");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.stop("SIGQUIT");
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    return this.query("SELECT 1").then(
      () => true,
      () => false,
    );
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address ? address.port : 0;
}
