/** Several servers over one database, as real processes, with the troubles that befall them. */
import { fileURLToPath } from "node:url";
import { createClient, type TaskRunClient } from "#client/index";
import type { PostgresServer } from "../../stores/postgres/server.js";
import { Proc, pause, type Server, Stage, until } from "./harness.js";

const crowd = fileURLToPath(new URL("../fixtures/crowd.mjs", import.meta.url));

/** Longer than the lease of a node, and than others take to find that it has ended. */
const FROZEN_MS = 20_000;

export class Cluster {
  readonly nodes: readonly Server[];
  /** Its own: what the agents of another cluster have written down is not here, and its servers end with it. */
  readonly stage: Stage;
  readonly #postgres: PostgresServer;
  readonly #clients: TaskRunClient[] = [];
  readonly #crowds: Proc[] = [];

  private constructor(stage: Stage, postgres: PostgresServer, nodes: readonly Server[]) {
    this.stage = stage;
    this.#postgres = postgres;
    this.nodes = nodes;
  }

  /** @param lease of workers: longer than a node takes to come back on a busy machine, if no Run is to be lost */
  static async start(postgres: PostgresServer, count: number, lease = "3s"): Promise<Cluster> {
    const url = postgres.url();
    return Cluster.over(postgres, Array(count).fill(url), lease);
  }

  /** @param urls of one schema, one for each node, which may go different ways to the database */
  static async over(postgres: PostgresServer, urls: readonly string[], lease = "3s"): Promise<Cluster> {
    const stage = new Stage();
    const nodes: Server[] = [];
    for (const store of urls) nodes.push(await stage.server({ store, lease, heartbeat: "500ms" }));
    return new Cluster(stage, postgres, nodes);
  }

  get addrs(): readonly string[] {
    return this.nodes.map(({ addr }) => addr);
  }

  node(index: number): Server {
    const node = this.nodes[index];
    if (!node) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** A client of one node, or of all of them, by turns. */
  client(...nodes: readonly number[]): TaskRunClient {
    const addr = nodes.length > 0 ? nodes.map((index) => this.node(index).addr) : this.addrs;
    const client = createClient({ addr, timeoutMs: 30_000 });
    this.#clients.push(client);
    return client;
  }

  /** A process of so many workers, each of which knows all nodes, beginning with another one. */
  async workers(name: string, count: number, addrs = this.addrs): Promise<Proc> {
    const proc = new Proc(
      [crowd, addrs.join(","), name, String(count)],
      this.stage.dir,
      this.stage.workerEnv(name),
    );
    this.#crowds.push(proc);
    await proc.said("the workers connect", ({ stderr }) => {
      return (stderr.match(/"msg":"connected"/g) ?? []).length >= count;
    });
    return proc;
  }

  /** SIGKILL, a pause, and a new start. */
  async kill(node: Server, pauseMs: number): Promise<void> {
    await node.proc.end("SIGKILL");
    await pause(pauseMs);
    await node.start();
  }

  /**
   * Frozen for longer than its lease: when it wakes up it must end by itself, having written nothing; then it is
   * started anew.
   */
  async freeze(node: Server): Promise<void> {
    const { proc } = node;
    proc.signal("SIGSTOP");
    await pause(FROZEN_MS);
    proc.signal("SIGCONT");
    await until("a node whose lease has ended stops by itself", () => proc.over);
    await node.start();
  }

  async endSessions(): Promise<void> {
    await this.#postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'taskrun%'",
    );
  }

  async restartDatabase(signal: NodeJS.Signals, pauseMs: number): Promise<void> {
    await this.#postgres.stop(signal);
    await pause(pauseMs);
    await this.#postgres.run();
  }

  /** Ends the workers, the clients and the servers. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const proc of this.#crowds) if (!proc.over) proc.signal("SIGKILL");
    await Promise.all(this.#crowds.map(({ ended }) => ended));
    await this.stage.end();
  }
}
