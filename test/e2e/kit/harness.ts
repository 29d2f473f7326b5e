/** Real processes for tests: servers, workers and commands, each in a directory of its own, ended with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient, type TaskRunClient } from "#client/index";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = join(root, "bin/taskrun.js");
const agents = fileURLToPath(new URL("./agents.mjs", import.meta.url));

/** A start, an end or a condition that takes longer has failed, also on a machine with more to do than cores. */
const PATIENCE_MS = 60_000;
/** What of a process' output is kept: enough for any expectation, and bounded. */
const KEPT_CHARS = 1_000_000;

/** Settings of whoever runs the tests must not reach the processes. */
const cleanEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(TASKRUN|OTEL|OPENAI)_|^TRACE(PARENT|STATE)$/.test(name)),
);

/** Asks again and again until the answer is neither undefined nor false; failures on the way do not matter. */
export async function until<Found>(
  what: string,
  ask: () => Found | undefined | false | Promise<Found | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<Found> {
  const end = Date.now() + patienceMs;
  let last: unknown;
  do {
    try {
      const found = await ask();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await pause(10);
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${patienceMs} ms`, { cause: last });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How a process ended: its exit code, or the signal's name. */
type End = number | NodeJS.Signals;

/** One process, what it has said so far, and how it ends. */
export class Proc {
  readonly child: ChildProcess;
  readonly ended: Promise<End>;
  stdout = "";
  stderr = "";
  #over = false;

  /** @param args for Node, then the program, then for the program */
  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, args, {
      cwd,
      env: { ...cleanEnv, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout = (this.stdout + text).slice(-KEPT_CHARS);
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr = (this.stderr + text).slice(-KEPT_CHARS);
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        this.#over = true;
        resolve(signal ?? code ?? -1);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get over(): boolean {
    return this.#over;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Sends the signal and waits for the end; what does not end is killed, and the test with it. */
  async end(name: NodeJS.Signals): Promise<End> {
    if (!this.#over) this.signal(name);
    let late: NodeJS.Timeout | undefined;
    const force = new Promise<never>((_, reject) => {
      late = setTimeout(() => {
        this.signal("SIGKILL");
        reject(new Error(`process ${this.pid} did not end after ${name}: ${this.stderr.slice(-2_000)}`));
      }, PATIENCE_MS);
    });
    return Promise.race([this.ended, force]).finally(() => clearTimeout(late));
  }

  /** @returns what `find` finds in what has been said, once it does */
  async said<Found>(what: string, find: (proc: Proc) => Found | undefined | false): Promise<Found> {
    const found = await until(what, () => find(this) || (this.#over && "over"));
    if (found === "over")
      throw new Error(`${what}: the process has ended; it said ${this.stderr.slice(-2_000)}`);
    return found as Found;
  }
}

export interface ServerFlags {
  readonly lease?: string;
  readonly heartbeat?: string;
  readonly publicLease?: string;
  /** Addresses of the gRPC listener; by default one free port of 127.0.0.1. */
  readonly grpc?: readonly string[];
  /** Addresses for clients of other systems, as the setting has them. */
  readonly compat?: readonly string[];
  /** Origins of pages that may call. */
  readonly origins?: readonly string[];
  /** In the place of its data directory. */
  readonly store?: string;
  /** For Node itself. */
  readonly node?: readonly string[];
}

/** A server on a data directory that outlives it: killed and started again, it comes back at the same addresses. */
export class Server {
  readonly data: string;
  readonly #cwd: string;
  readonly #flags: ServerFlags;
  proc: Proc;
  #grpc: readonly string[];
  #http = "";
  #compat: Readonly<Record<string, readonly string[]>> = {};

  constructor(cwd: string, flags: ServerFlags) {
    this.#cwd = cwd;
    this.data = join(cwd, "data");
    this.#flags = flags;
    this.#grpc = flags.grpc ?? ["127.0.0.1:0"];
    this.proc = this.#spawn();
  }

  get addr(): string {
    return this.#grpc[0] ?? "";
  }

  get httpAddr(): string {
    return this.#http;
  }

  /** What was opened for clients of other systems, by the systems' names. */
  get compat(): Readonly<Record<string, readonly string[]>> {
    return this.#compat;
  }

  get addrs(): readonly string[] {
    return this.#grpc;
  }

  async ready(): Promise<this> {
    const line = await this.proc.said(
      "the server says where it serves",
      ({ stdout }) => /^\{.*\}\n/.exec(stdout)?.[0],
    );
    const facts = JSON.parse(line) as { grpc: string[]; http: string[]; compat?: Record<string, string[]> };
    this.#compat = facts.compat ?? {};
    this.#grpc = facts.grpc;
    this.#http = facts.http[0] ?? "";
    return this;
  }

  /** SIGKILL, and a new start on the same data. */
  async restart(): Promise<void> {
    await this.proc.end("SIGKILL");
    await this.start();
  }

  async start(): Promise<void> {
    this.proc = this.#spawn();
    await this.ready();
  }

  metrics(): Promise<string> {
    return this.page("/metrics");
  }

  /** Over a connection of its own, so that none stays open beside what a test looks at. */
  page(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get(`http://${this.#http}${path}`, { agent: false }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve(text));
      });
      request.on("error", reject);
    });
  }

  /** The sum of a metric over all its labels. */
  async metric(name: string): Promise<number> {
    const lines = (await this.metrics()).split("\n").filter((line) => line.split(/[ {]/, 1)[0] === name);
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  #spawn(): Proc {
    const { lease = "3s", heartbeat = "500ms", publicLease = "90s", origins = [] } = this.#flags;
    const { store = "sqlite", node = [] } = this.#flags;
    const http = this.#http || "127.0.0.1:0";
    const timers = ["--lease", lease, "--heartbeat", heartbeat, "--public-lease", publicLease];
    const gateway = ["--grpc", ...this.#grpc, "--http", http];
    const pages = origins.flatMap((origin) => ["--allowed-origins", origin]);
    const known = Object.entries(this.#compat).flatMap(([name, all]) => all.map((addr) => `${name}=${addr}`));
    const others = (known.length > 0 ? known : (this.#flags.compat ?? [])).flatMap((each) => [
      "--compat",
      each,
    ]);
    const rest = [...pages, ...others, "--data", this.data, "--log-level", "warn", "--json"];
    // By the environment: a command line is seen by every user of the machine, and a URL may have a password.
    const env = { TASKRUN_STORE: store };
    return new Proc([...node, program, "server", ...gateway, ...timers, ...rest], this.#cwd, env);
  }
}

export interface WorkerFlags {
  readonly id: string;
  readonly maxRuns?: number;
  readonly drain?: string;
  /** `NAME=COMMAND`; by default it runs the agents of `agents.mjs`. */
  readonly exec?: readonly string[];
}

/** One line of what the agents of `agents.mjs` write down. */
export interface Trace {
  readonly what: "begin" | "end" | "stopped";
  readonly worker: string;
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
}

/** The processes of one test, or of one file of tests. */
export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), "taskrun-e2e-"));
  readonly #procs: (() => Proc)[] = [];
  readonly #clients: TaskRunClient[] = [];
  #count = 0;

  constructor() {
    // Should the tests' process end before the test has.
    process.once("exit", this.#killAll);
  }

  async server(flags: ServerFlags = {}): Promise<Server> {
    this.#count += 1;
    const cwd = mkdtempSync(join(this.dir, "server-"));
    const server = new Server(cwd, flags);
    this.#procs.push(() => server.proc);
    return server.ready();
  }

  /** Resolves when the worker is connected. */
  async worker(addr: string, flags: WorkerFlags): Promise<Proc> {
    const proc = this.workerWithoutWaiting(addr, flags);
    await proc.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
    return proc;
  }

  workerWithoutWaiting(addr: string, { id, maxRuns = 4, drain = "2s", exec }: WorkerFlags): Proc {
    const what = exec ? exec.flatMap((command) => ["--exec", command]) : ["--module", agents];
    const flags = ["--id", id, "--max-runs", String(maxRuns), "--drain", drain];
    return this.run(["worker", "--addr", addr, ...flags, ...what], this.workerEnv(id));
  }

  /** What the agents of `agents.mjs` read from their environment. */
  workerEnv(id: string): Readonly<Record<string, string>> {
    return { E2E_TRACE: this.#traceFile, E2E_WORKER: id };
  }

  /** Any command of the program. */
  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Proc {
    const proc = new Proc([program, ...args], this.dir, env);
    this.#procs.push(() => proc);
    return proc;
  }

  /** A program for Node, by its path from the root of the project. */
  node([path = "", ...args]: readonly string[]): Proc {
    const proc = new Proc([join(root, path), ...args], this.dir);
    this.#procs.push(() => proc);
    return proc;
  }

  client(addr: string): TaskRunClient {
    const client = createClient({ addr, timeoutMs: 30_000 });
    this.#clients.push(client);
    return client;
  }

  /** What the agents have written down so far, each line durable before the agent went on. */
  traces(): readonly Trace[] {
    try {
      return readFileSync(this.#traceFile, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.#killAll();
    await Promise.all(this.#procs.map((proc) => proc().ended));
    rmSync(this.dir, { recursive: true, force: true });
    process.off("exit", this.#killAll);
  }

  get #traceFile(): string {
    return join(this.dir, "trace.jsonl");
  }

  readonly #killAll = (): void => {
    for (const proc of this.#procs) if (!proc().over) proc().signal("SIGKILL");
  };
}
