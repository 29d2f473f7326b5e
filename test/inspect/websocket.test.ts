import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createWebSocketReceiver, type StatelyInspectionEvent } from "@statelyai/inspect";
import { afterEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { createClient, type TaskRunClient } from "#client/index";
import { serverConfig } from "#config/index";
import type { Log } from "#ports/telemetry";
import { type RunningServer, startServer } from "#server";
import { memoryStore } from "#stores/memory/index";
import { serve, supportTriage } from "#worker/index";
import { Replay } from "./kit/replay.js";
import { expectValid } from "./kit/valid.js";

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** `createInspectorServer` of `@statelyai/inspect` 0.7, but bound to the loopback, and on any free port. */
class InspectorServer {
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #kept: string[] = [];

  private constructor(http: Server) {
    this.#http = http;
    this.#sockets = new WebSocketServer({ server: http });
    this.#sockets.on("connection", (socket) => {
      for (const text of this.#kept) socket.send(text);
      socket.on("message", (data) => {
        const text = data.toString();
        this.#kept.push(text);
        if (this.#kept.length > 200) this.#kept.shift();
        for (const other of this.#sockets.clients) {
          if (other !== socket && other.readyState === other.OPEN) other.send(text);
        }
      });
    });
  }

  static async start(port = 0): Promise<InspectorServer> {
    const http = createServer().listen(port, "127.0.0.1");
    await once(http, "listening");
    const server = new InspectorServer(http);
    closers.push(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (message: string) => void lines.push(message);
  return { lines, debug: () => {}, info: add, warn: add, error: add };
}

async function start(url: string, log: Log = recordingLog()): Promise<RunningServer> {
  const config = serverConfig({ store: "memory", grpc: ["127.0.0.1:0"], http: [], inspect: [url] });
  const server = await startServer(config, log, memoryStore());
  closers.push(() => server.stop());
  return server;
}

/** The library's own receiver, as an inspector's page has one. */
function receive(url: string): Replay {
  const replay = new Replay();
  const receiver = createWebSocketReceiver({ server: url });
  receiver.subscribe((event: StatelyInspectionEvent) => replay.take(JSON.stringify(event)));
  return replay;
}

/** A worker and a client of a server. */
async function use(server: RunningServer): Promise<TaskRunClient> {
  const [addr = ""] = server.grpc;
  const worker = await serve({ agents: [supportTriage], addr, id: "w1", handleSignals: false });
  const client = createClient({ addr });
  closers.push(
    async () => client.close(),
    () => worker.drain(),
  );
  return client;
}

test("an inspector server gets a Task's life, and who replays it has the state that the server has", async () => {
  const inspector = await InspectorServer.start();
  const replay = receive(inspector.url);
  const client = await use(await start(inspector.url));
  const { id } = await client.tasks.create({ agent: "support_triage", input: { query: "a secret wish" } });
  const task = await client.tasks.wait(id);

  await expect.poll(() => replay.actors.get(`task:${id}`)?.value).toBe("complete");
  await expect.poll(() => replay.actors.get(`run:${task.runs[0]?.id}`)?.status).toBe("done");
  expect(replay.problems).toEqual([]);
  for (const { name, state, attempts, losses } of task.steps) {
    const step = replay.actors.get(`step:${id}/${name}`);
    expect(step).toMatchObject({ value: state, context: { attempts, losses }, parentId: `task:${id}` });
  }
  for (const run of task.runs) {
    const seen = replay.actors.get(`run:${run.id}`);
    expect(seen).toMatchObject({
      value: { status: run.status, hold: "released" },
      context: { workerId: "w1" },
    });
    expect(seen?.parentId).toBe(`step:${id}/${run.stepName}`);
  }
  for (const event of replay.events) expectValid(event);
  expect(JSON.stringify(replay.events)).not.toContain("secret");
});

test("an inspector server that comes late, and goes, is none of the server's concern", async () => {
  const before = await InspectorServer.start();
  const { port } = before;
  await before.stop();
  const log = recordingLog();
  const client = await use(await start(`ws://127.0.0.1:${port}`, log));
  const first = await client.tasks.create({ agent: "nobody" });
  const lost = "an inspector server cannot be reached; it is tried again until it can";
  await expect.poll(() => log.lines).toContain(lost);

  for (const again of [1, 2]) {
    const inspector = await InspectorServer.start(port);
    const replay = receive(inspector.url);
    await expect.poll(() => replay.actors.has(`task:${first.id}`), { message: `time ${again}` }).toBe(true);
    const next = await client.tasks.create({ agent: "nobody" });
    await expect.poll(() => replay.actors.has(`step:${next.id}/main`)).toBe(true);
    await inspector.stop();
  }
  expect(log.lines.filter((line) => line.startsWith("what the plane does is sent"))).toHaveLength(2);
});
