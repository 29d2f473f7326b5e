import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../bench/root.js";
import type { Weight } from "./scale.js";
import type { Ports } from "./target.js";

/** A start or a stop that takes longer has failed. */
const PATIENCE_MS = 30_000;
/** What of the server's stderr is kept: its last words, for when it ends. */
const STDERR_CHARS = 8_000;
const SAMPLE_MS = 50;
/** The system counts a process' time in hundredths of a second. */
const TICK_MS = 10;
const IDLE_WINDOW_MS = 500;
/** Below this part of a core a server with a few connected workers is idle. */
const IDLE_SHARE = 0.1;

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TASKRUN_")));

/** A server process of the built program on a data directory of its own, and what the system tells of it. */
export class ServerProcess {
  readonly #dir: string;
  readonly ports: Ports;
  readonly #nodeOptions: readonly string[];
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #stderr = "";
  #sampling: NodeJS.Timeout | undefined;
  #peakMb = 0;

  private constructor(dir: string, ports: Ports, nodeOptions: readonly string[]) {
    this.#dir = dir;
    this.ports = ports;
    this.#nodeOptions = nodeOptions;
  }

  /** @param weighed whether {@link weigh} will be called */
  static async start({ weighed = false } = {}): Promise<ServerProcess> {
    const scale = new URL("./scale.js", import.meta.url).href;
    const nodeOptions = weighed ? ["--expose-gc", "--import", scale] : [];
    const dir = await mkdtemp(join(tmpdir(), "taskrun-hostile-"));
    const server = new ServerProcess(dir, await freePorts(), nodeOptions);
    process.once("exit", server.#atExit);
    await server.restart();
    return server;
  }

  /** Starts it, again if it has ended, on the same data and at the same ports. */
  async restart(): Promise<void> {
    const at = (port: number) => `127.0.0.1:${port}`;
    const { grpcPort, httpPort, taskerPort, taskerWorkerPort, orchestratorPort } = this.ports;
    const gateway = ["--grpc", at(grpcPort), "--http", at(httpPort)];
    const rest = ["--data", this.#dir, "--lease", "10s", "--heartbeat", "1s", "--log-level", "warn"];
    const others = [
      `tasker=${at(taskerPort)}`,
      `tasker-worker=${at(taskerWorkerPort)}`,
      `orchestrator=${at(orchestratorPort)}`,
    ];
    const all = [...gateway, "--compat", ...others, ...rest];
    const child = spawn(
      process.execPath,
      [...this.#nodeOptions, join(root, "bin/taskrun.js"), "server", ...all],
      { env, stdio: ["ignore", "ignore", "pipe", "ipc"] },
    );
    this.#child = child;
    this.#ended = once(child, "exit");
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS);
    });
    this.#sampling ??= setInterval(() => this.#sample(), SAMPLE_MS);
    await this.#serving(child);
  }

  /** How the process has ended, in words, or undefined while it lives. */
  get end(): string | undefined {
    const { exitCode = null, signalCode = null } = this.#child ?? {};
    if (exitCode === null && signalCode === null) return undefined;
    return `it ended (${signalCode ?? `code ${exitCode}`})${lastWords(this.#stderr)}`;
  }

  /** Resolves when the process has ended. */
  ended(): Promise<unknown> {
    return this.#ended;
  }

  /** The most memory it was seen to hold since the last call, in MB; 0 where the system does not say. */
  takePeakMb(): number {
    this.#sample();
    const peak = this.#peakMb;
    this.#peakMb = 0;
    return peak;
  }

  /** The most it has ever held, by the system's own count. */
  get highWaterMb(): number {
    return this.#statusMb("VmHWM");
  }

  /** What it holds once all garbage is collected; it must have been started to be weighed. */
  async weigh(): Promise<Weight> {
    this.#child?.send("weigh");
    const [weight] = (await Promise.race([once(this.#child as ChildProcess, "message"), this.#ended])) as [
      Weight,
    ];
    return weight;
  }

  /** False if it does not come to rest within the time. */
  async idle(patienceMs: number): Promise<boolean> {
    const end = performance.now() + patienceMs;
    do {
      const [before, beganAt] = [this.#cpuMs(), performance.now()];
      await new Promise((resolve) => setTimeout(resolve, IDLE_WINDOW_MS));
      if (this.#cpuMs() - before < IDLE_SHARE * (performance.now() - beganAt)) return true;
    } while (performance.now() < end && this.end === undefined);
    return false;
  }

  async stop(): Promise<void> {
    clearInterval(this.#sampling);
    if (this.#child && this.end === undefined) {
      const force = setTimeout(() => this.#child?.kill("SIGKILL"), PATIENCE_MS);
      this.#child.kill("SIGTERM");
      await this.ended();
      clearTimeout(force);
    }
    process.off("exit", this.#atExit);
    await rm(this.#dir, { recursive: true, force: true });
  }

  readonly #atExit = (): void => {
    this.#child?.kill("SIGKILL");
    rmSync(this.#dir, { recursive: true, force: true });
  };

  async #serving(child: ChildProcess): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end && child.exitCode === null && child.signalCode === null) {
      const answer = await fetch(`http://127.0.0.1:${this.ports.httpPort}/health/ready`).catch(
        () => undefined,
      );
      await answer?.body?.cancel();
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the server does not serve: ${this.end ?? "it is not ready"}`);
  }

  #sample(): void {
    this.#peakMb = Math.max(this.#peakMb, this.#statusMb("VmRSS"));
  }

  #statusMb(field: string): number {
    const kb = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(this.#proc("status"))?.[1];
    return Math.round(Number(kb ?? 0) / 1_024);
  }

  #cpuMs(): number {
    // After the name, which stands in brackets and may have spaces, come the state and then numbers.
    const fields = this.#proc("stat").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
  }

  #proc(file: string): string {
    try {
      return readFileSync(`/proc/${this.#child?.pid}/${file}`, "utf8");
    } catch {
      return ""; // it has ended, or the system shows no processes
    }
  }
}

/** What it said before it ended: the line with the error, if there is one, else the last. */
function lastWords(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const line = lines.findLast((text) => /error|fatal/i.test(text)) ?? lines.at(-1) ?? "";
  return line === "" ? "" : `: ${line.trim().slice(0, 300)}`;
}

async function freePorts(): Promise<Ports> {
  const servers = Array.from({ length: 5 }, () => createServer()).map((server) =>
    server.listen(0, "127.0.0.1"),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [grpcPort = 0, httpPort = 0, taskerPort = 0, taskerWorkerPort = 0, orchestratorPort = 0] = ports;
  return { grpcPort, httpPort, taskerPort, taskerWorkerPort, orchestratorPort };
}
