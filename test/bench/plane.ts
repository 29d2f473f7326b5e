import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { get as getSecurely } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { EnrollmentService } from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { type Access, envOf } from "./access.js";
import { Child } from "./child.js";
import type { InspectorFigures } from "./inspector.js";
import type { LoadOrder, LoadResult } from "./load-words.js";
import { root } from "./root.js";
import { Rpc } from "./rpc.js";

/** A start or stop that takes longer has failed. */
const PATIENCE_MS = 30_000;
/** What of the server's stderr is kept, for when it does not start. */
const STDERR_CHARS = 4_000;

/** Settings of whoever runs the bench must not reach it. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TASKRUN_")));

const helpers = {
  load: new URL("./load.js", import.meta.url),
  worker: new URL("./worker.js", import.meta.url),
  crowd: new URL("./crowd.js", import.meta.url),
  inspector: new URL("./inspector.js", import.meta.url),
} as const;
type HelperName = keyof typeof helpers;

export interface PlaneOptions {
  /** Writes a CPU profile of the server into the working directory when it stops. */
  readonly profile: boolean;
  /** Sends what the server does to an inspector server, a process that counts it. */
  readonly inspect: boolean;
  /** The URL of its store; by default a SQLite file in its own folder. */
  readonly store?: string;
  /** Speaks TLS, asks for keys, and knows its worker by a certificate. */
  readonly tls?: true;
}

/** A server on a data directory of its own, with the worker and the load generator that go with it. */
export class BenchPlane {
  readonly #dir: string;
  readonly #grpc: number;
  readonly #http: number;
  readonly #options: PlaneOptions;
  #server: ChildProcess | undefined;
  #stderr = "";
  #helpers: Child[] = [];
  #load: Child | undefined;
  #inspector: Child | undefined;
  /** Undefined without TLS, and before the server has started for the first time. */
  #access: Access | undefined;
  /** Further arguments of the server. */
  #args: readonly string[] = [];

  private constructor(dir: string, [grpc = 0, http = 0]: readonly number[], options: PlaneOptions) {
    this.#dir = dir;
    this.#grpc = grpc;
    this.#http = http;
    this.#options = options;
  }

  static async start(options: PlaneOptions): Promise<BenchPlane> {
    const dir = await mkdtemp(join(tmpdir(), "taskrun-bench-"));
    const plane = new BenchPlane(dir, await freePorts(), options);
    // Should the bench end before the plane was stopped.
    process.once("exit", () => {
      plane.#server?.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    });
    if (options.inspect) await plane.#startInspector();
    await plane.#startServer();
    return plane;
  }

  get addr(): string {
    return `127.0.0.1:${this.#grpc}`;
  }

  /** Starts a helper process that is ended with the plane. */
  async helper(name: HelperName, ...args: readonly string[]): Promise<Child> {
    const identity = name === "worker" && this.#access ? await this.#invited() : {};
    const child = await Child.start(helpers[name], [this.addr, ...args], {
      ...envOf(this.#access),
      ...identity,
    });
    this.#helpers.push(child);
    return child;
  }

  async order(order: LoadOrder): Promise<LoadResult> {
    this.#load ??= await this.helper("load");
    return this.#load.order(order);
  }

  /** Makes a template known to the server. @param source YAML or JSON text */
  async register(source: string): Promise<void> {
    await this.#with((rpc) => rpc.unary(TemplateService.method.register, { source }));
  }

  /** SIGKILL, and a new start on the same data. Milliseconds from the kill to the first request served. */
  async restart(): Promise<number> {
    await this.#stopHelpers();
    const killedAt = performance.now();
    await this.#end("SIGKILL");
    await this.#startServer();
    return performance.now() - killedAt;
  }

  /** A metric of the server's process; metrics with labels cannot be asked for. */
  async metric(name: string): Promise<number> {
    const line = (await this.#metrics()).split("\n").find((text) => text.startsWith(`${name} `));
    if (line === undefined) throw new Error(`the server shows no metric ${name}`);
    return Number(line.slice(name.length + 1));
  }

  async stop(): Promise<void> {
    await this.#stopHelpers();
    await this.#end("SIGTERM");
    await this.#inspector?.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #startInspector(): Promise<void> {
    this.#inspector = await Child.start(helpers.inspector, []);
    const { port } = await this.#inspector.order<object, InspectorFigures>({});
    this.#args = ["--inspect", `ws://127.0.0.1:${port}`];
  }

  async #stopHelpers(): Promise<void> {
    await Promise.all(this.#helpers.map((child) => child.stop()));
    this.#helpers = [];
    this.#load = undefined;
  }

  async #startServer(): Promise<void> {
    const gateway = ["--grpc", this.addr, "--http", `127.0.0.1:${this.#http}`];
    const tls = this.#options.tls ? ["--tls", "auto"] : [];
    const args = ["server", "--data", this.#dir, ...gateway, ...tls, "--log-level", "warn", ...this.#args];
    const profile = this.#options.profile ? ["--cpu-prof"] : [];
    const child = spawn(process.execPath, [...profile, join(root, "bin/taskrun.js"), ...args], {
      env: { ...env, ...(this.#options.store !== undefined && { TASKRUN_STORE: this.#options.store }) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#server = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS);
    });
    await this.#serving(child);
  }

  /** Asks every 10 ms; a new connection each time, since a refused one is tried again only after a second. */
  async #serving(child: ChildProcess): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end && child.exitCode === null) {
      try {
        // The first start makes both files before it listens.
        if (this.#options.tls) this.#access = await this.#ownAccess();
        await this.#with((rpc) => rpc.unary(TaskService.method.listTasks, { pageSize: 1 }, 1_000));
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    throw new Error(`the server does not serve (exit code ${child.exitCode}); it said:\n${this.#stderr}`);
  }

  async #ownAccess(): Promise<Access> {
    const [ca, key] = await Promise.all([
      readFile(join(this.#dir, "tls", "ca.pem"), "utf8"),
      readFile(join(this.#dir, "admin.key"), "utf8"),
    ]);
    return { ca, key: key.trim() };
  }

  /** What the worker enrols with. */
  async #invited(): Promise<Readonly<Record<string, string>>> {
    const { invitations, caPin } = await this.#with((rpc) =>
      rpc.unary(EnrollmentService.method.inviteWorkers, { name: "bench", count: 1, namespaces: ["*"] }),
    );
    return {
      TASKRUN_TOKEN: invitations[0]?.token ?? "",
      TASKRUN_CA_PIN: caPin,
      TASKRUN_IDENTITY_DIR: join(this.#dir, "worker"),
    };
  }

  async #with<Result>(call: (rpc: Rpc) => Promise<Result>): Promise<Result> {
    const rpc = new Rpc(this.addr, this.#access);
    try {
      return await call(rpc);
    } finally {
      rpc.close();
    }
  }

  #metrics(): Promise<string> {
    const path = `//127.0.0.1:${this.#http}/metrics`;
    return new Promise((resolve, reject) => {
      const take = (response: IncomingMessage) => text(response).then(resolve, reject);
      const request = this.#access
        ? getSecurely(
            `https:${path}`,
            { ca: this.#access.ca, headers: { "x-api-key": this.#access.key } },
            take,
          )
        : get(`http:${path}`, take);
      request.on("error", reject);
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const force = setTimeout(() => server.kill("SIGKILL"), PATIENCE_MS);
    server.kill(signal);
    await once(server, "exit");
    clearTimeout(force);
  }
}

async function freePorts(): Promise<number[]> {
  const servers = [createServer(), createServer()].map((server) => server.listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
