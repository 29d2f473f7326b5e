import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Child } from "../bench/child.js";
import type { Order } from "./attacker.js";
import type { Entry } from "./catalogue.js";
import type { Order as ClientOrder, Report } from "./honest.js";
import { ServerProcess } from "./server.js";
import type { Row } from "./table.js";
import { EVIL, HONEST } from "./target.js";

/** The server's memory stays below, whatever it is sent. */
const RSS_MAX_MB = 600;
/** After an attack the server comes to rest within this time: what has hung on a deadline has ended by then. */
const IDLE_PATIENCE_MS = 30_000;
/** An attack that does not return in time is ended this much later. */
const OVERTIME_MS = 5_000;
/** What of an attacker's words is kept. */
const SAID_CHARS = 4_000;
/** A server that was brought down is started again on its data, and looked at for so long. */
const SECOND_LOOK_MS = 5_000;

/** The attacker's core: the last, while the kernel may move all others. Undefined where no process can be pinned. */
export const attackersCore =
  spawnSync("taskset", ["--version"]).status === 0 ? availableParallelism() - 1 : undefined;

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A server, the honest worker and client that keep it at ordinary work, and one attacker after the other. */
export class Arena {
  readonly server: ServerProcess;
  readonly #workers: readonly Child[];
  readonly #client: Child;

  private constructor(server: ServerProcess, workers: readonly Child[], client: Child) {
    this.server = server;
    this.#workers = workers;
    this.#client = client;
  }

  static async open(): Promise<Arena> {
    const server = await ServerProcess.start();
    const addr = `127.0.0.1:${server.ports.grpcPort}`;
    const worker = (id: string, namespaces: string) =>
      Child.start(new URL("./honest-worker.js", import.meta.url), [addr, id, namespaces]);
    const workers = [await worker("honest-1", HONEST), await worker("honest-2", `${HONEST},${EVIL}`)];
    const addrs = [addr, `127.0.0.1:${server.ports.httpPort}`];
    const client = await Child.start(new URL("./honest.js", import.meta.url), addrs);
    return new Arena(server, workers, client);
  }

  /** Honest work beside a loop that keeps the attacker's core busy: what attacks are compared with. */
  baseline(seconds: number): Promise<Row> {
    const loop = startPinned([process.execPath, "-e", "for(;;);"]);
    return this.#round("a busy loop", seconds, loop, () => {});
  }

  /** @param over called when it is, before the server comes to rest */
  attack(name: string, attacker: ChildProcess, seconds: number, over: () => void): Promise<Row> {
    const order: Order = { ...this.server.ports, seconds };
    return this.#round(name, seconds, attacker, over, order);
  }

  /** Everything that was ever acknowledged is there, and nothing else. */
  async count(): Promise<readonly string[]> {
    return (await this.#client.order<ClientOrder, Report>({ type: "count" })).problems;
  }

  async close(): Promise<void> {
    await Promise.all([this.#client, ...this.#workers].map((child) => child.stop()));
    await this.server.stop();
  }

  async #round(
    name: string,
    seconds: number,
    child: ChildProcess,
    over: () => void,
    order?: Order,
  ): Promise<Row> {
    this.server.takePeakMb();
    await this.#client.order({ type: "begin" });
    const attacker = await run(child, this.server, seconds, order);
    over();
    const failures = attacker.found === "" ? [] : [attacker.found];
    let report: Report = { calls: [], tasks: 0, problems: [] };
    if (this.server.end !== undefined) failures.push(this.server.end, ...(await this.#secondLook()));
    if (this.server.end === undefined) {
      report = await this.#client.order<ClientOrder, Report>({ type: "end" });
      failures.push(...report.problems);
    }
    if (this.server.end === undefined && !(await this.server.idle(IDLE_PATIENCE_MS))) {
      failures.push(`not idle ${IDLE_PATIENCE_MS / 1_000} s later`);
    }
    if (this.server.end !== undefined && failures.length === 0) failures.push(this.server.end);
    const peakMb = this.server.takePeakMb();
    if (peakMb > RSS_MAX_MB) failures.push(`it took ${peakMb} MB, more than ${RSS_MAX_MB}`);
    return { name, failures, notes: attacker.notes, peakMb, tasks: report.tasks, calls: report.calls };
  }

  /** Whether what brought the server down is still there when it starts again. */
  async #secondLook(): Promise<string[]> {
    try {
      await this.server.restart();
      const pause = new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
      await Promise.race([pause, this.server.ended()]);
    } catch {}
    return this.server.end === undefined ? ["started again it lives"] : ["started again it ends again"];
  }
}

interface Attacker {
  /** What it found wrong with the server's answers. */
  readonly found: string;
  readonly notes: string;
}

/** A process that loads an attack and waits for its order: loading takes as long as many an attack. */
export function startAttacker({ module, exportName }: Entry): ChildProcess {
  return startPinned([process.execPath, file("./attacker.js"), module, exportName]);
}

/** A command on the attacker's core. It ends when this process does. */
function startPinned(command: readonly string[]): ChildProcess {
  const pinned = attackersCore === undefined ? command : ["taskset", "-c", `${attackersCore}`, ...command];
  const [program = "", ...args] = pinned;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const atExit = () => child.kill("SIGKILL");
  process.once("exit", atExit);
  child.once("close", () => process.off("exit", atExit));
  return child;
}

/** Gives it the order, if there is one, and waits until it ends, the server does, or its time is up. */
async function run(
  child: ChildProcess,
  server: ServerProcess,
  seconds: number,
  order: Order | undefined,
): Promise<Attacker> {
  let said = "";
  const begun = new Promise<void>((resolve) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, SAID_CHARS);
      resolve();
    });
  });
  const ended = once(child, "close");
  const over = Promise.race([ended, server.ended()]);
  if (order) {
    child.stdin?.end(`${JSON.stringify(order)}\n`);
    await Promise.race([begun, over]);
  }
  await within(seconds * 1_000 + (order ? OVERTIME_MS : 0), over);
  const cutOff = isAlive(child);
  if (cutOff) child.kill("SIGKILL");
  await ended;
  if (!order) return { found: "", notes: "" };
  if (cutOff) return { found: "", notes: "cut off" };
  return read(said, child.exitCode);
}

/** Its last line, if it came so far as to write one. */
function read(said: string, code: number | null): Attacker {
  try {
    return JSON.parse(said.trim().split("\n").at(-1) ?? "") as Attacker;
  } catch {
    return { found: `the attack itself failed (code ${code})`, notes: "" };
  }
}

async function within(ms: number, over: Promise<unknown>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    late = setTimeout(resolve, ms);
  });
  await Promise.race([over, timeUp]);
  clearTimeout(late);
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
