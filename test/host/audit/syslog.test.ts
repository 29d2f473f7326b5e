/** Checkpoints that are sent to a collector of syslog, by sockets of the loopback. */
import { createSocket } from "node:dgram";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { auditRecord } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import { readCheckpoint } from "#host/audit/signature";
import { openSyslog, type Syslog } from "#host/audit/syslog";
import { countedFrame, syslogMessage, syslogTarget } from "#host/audit/syslog-message";
import { limits } from "#limits/index";
import { MemoryAudit } from "#stores/memory/audit";
import { VirtualClock } from "#testing/virtual-time";
import { startAudit } from "./kit.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A collector over TCP, which reads frames by their length as RFC 6587 has them. */
class Collector {
  readonly messages: string[] = [];
  readonly sockets: Socket[] = [];
  /** True if it reads nothing. */
  isDeaf = false;
  #server: Server | undefined;
  #port = 0;

  get port(): number {
    return this.#port;
  }

  async start(): Promise<this> {
    this.#server = createServer((socket) => {
      this.sockets.push(socket);
      let rest = "";
      socket.on("error", () => undefined);
      if (this.isDeaf) return;
      socket.on("data", (bytes) => {
        rest += bytes.toString("latin1");
        for (;;) {
          const [head = "", length = ""] = /^(\d+) /.exec(rest) ?? [];
          if (head === "" || rest.length < head.length + Number(length)) return;
          this.messages.push(rest.slice(head.length, head.length + Number(length)));
          rest = rest.slice(head.length + Number(length));
        }
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Ends with all connections. */
  async stop(): Promise<void> {
    for (const socket of this.sockets.splice(0)) socket.destroy();
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()) ?? resolve());
    this.#server = undefined;
  }

  heard(count: number): Promise<readonly string[]> {
    return vi.waitFor(
      () => {
        expect(this.messages.length).toBeGreaterThanOrEqual(count);
        return this.messages;
      },
      { timeout: 5_000, interval: 5 },
    );
  }
}

async function collector(): Promise<Collector> {
  const made = await new Collector().start();
  closing.push(() => made.stop());
  return made;
}

function syslogTo(target: string) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 29, 12));
  const lost: string[] = [];
  const warned: object[] = [];
  const quiet = () => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_: string, said?: object) => warned.push(said ?? {}),
  };
  const telemetry = { log, count: (name: string) => void lost.push(name) };
  const syslog: Syslog = openSyslog({ target: syslogTarget(target), clock, telemetry });
  closing.push(() => syslog.close());
  return { syslog, clock, lost, warned };
}

const textOf = (message = "") => message.slice(message.indexOf(" - ") + 3);

test("a message is one of RFC 5424: facility log audit, severity notice, and a header without spaces of its own", () => {
  const at = Date.UTC(2026, 10, 29, 12, 0, 0, 7);
  const message = syslogMessage('{"a":1}', at, { host: "plane 1\u00fc.example", pid: 42 });
  expect(message).toBe(
    '<109>1 2026-11-29T12:00:00.007Z plane1.example taskrun 42 audit.checkpoint - {"a":1}',
  );
  expect(syslogMessage("x", 0, { host: "", pid: 1 })).toContain(" - taskrun 1 ");
  expect(countedFrame("ab\u00e9")).toBe("4 ab\u00e9");
  expect(syslogTarget("tcp://[::1]:601")).toEqual({ protocol: "tcp", host: "::1", port: 601 });
  expect(syslogTarget("udp://logs.example:514")).toEqual({
    protocol: "udp",
    host: "logs.example",
    port: 514,
  });
});

test("over TCP all messages arrive, in their order and whole, by one connection", async () => {
  const there = await collector();
  const { syslog, lost } = syslogTo(`tcp://127.0.0.1:${there.port}`);
  const texts = Array.from({ length: 50 }, (_, i) => `text ${i} of "any" 7 kind`);
  for (const text of texts) syslog.send(text);
  expect((await there.heard(50)).map(textOf)).toEqual(texts);
  expect(there.sockets.length).toBe(1);
  expect(lost).toEqual([]);
});

test("a collector that is away is tried again, ever later; what waited arrives, and of too much the newest", async () => {
  const there = await collector();
  await there.stop();
  const { syslog, clock, lost, warned } = syslogTo(`tcp://127.0.0.1:${there.port}`);
  const more = 10;
  for (let i = 0; i < limits.auditSyslogWaiting + more; i++) syslog.send(`${i}`);
  expect(lost.length).toBe(more);
  expect(new Set(lost)).toEqual(new Set(["taskrun_audit_syslog_lost_total"]));
  expect(warned).toMatchObject([{ lost: 1, why: "too many wait" }]);

  // Refused, and again refused: only then is it there.
  for (const wait of [limits.auditSyslogRetryLeast, limits.auditSyslogRetryLeast * 2]) {
    await vi.waitFor(() => expect(clock.pending().length).toBeGreaterThan(0), { interval: 5 });
    if (wait > limits.auditSyslogRetryLeast) await there.start();
    await clock.advance(wait);
  }
  const messages = await there.heard(limits.auditSyslogWaiting);
  expect(textOf(messages[0])).toBe(String(more));
  expect(textOf(messages.at(-1))).toBe(String(limits.auditSyslogWaiting + more - 1));
});

test("when a connection breaks the last message is sent again, once, and then what comes", async () => {
  const there = await collector();
  const { syslog, clock, lost } = syslogTo(`tcp://127.0.0.1:${there.port}`);
  syslog.send("one");
  syslog.send("two");
  await there.heard(2);
  for (let breaks = 0; breaks < 3; breaks++) {
    for (const socket of there.sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await clock.advance(limits.auditSyslogRetryMost);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  syslog.send("three");
  await there.heard(4);
  expect(there.messages.map(textOf)).toEqual(["one", "two", "two", "three"]);
  expect(lost).toEqual([]);
});

test("a server that stops waits for its last checkpoint, and not for a collector that is away", async () => {
  const there = await collector();
  const first = syslogTo(`tcp://127.0.0.1:${there.port}`);
  first.syslog.send("last words");
  await first.syslog.close();
  await there.heard(1);
  expect(first.lost).toEqual([]);

  await there.stop();
  const second = syslogTo(`tcp://127.0.0.1:${there.port}`);
  second.syslog.send("nobody hears");
  const began = performance.now();
  await second.syslog.close();
  expect(performance.now() - began).toBeLessThan(limits.auditSyslogClose + 500);
  expect(second.lost.length).toBe(1);
});

test("a collector that takes nothing holds up the end of a server for two seconds, and no longer", async () => {
  const there = await collector();
  const { syslog, lost } = syslogTo(`tcp://127.0.0.1:${there.port}`);
  there.isDeaf = true;
  // More than the buffers of the system.
  syslog.send("x".repeat(64 * 1024 * 1024));
  await vi.waitFor(() => expect(there.sockets.length).toBe(1), { interval: 5 });
  const began = performance.now();
  await syslog.close();
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(limits.auditSyslogClose - 50);
  expect(took).toBeLessThan(limits.auditSyslogClose + 3_000);
  expect(lost.length).toBe(1);
});

test("over UDP a message is a datagram", async () => {
  const socket = createSocket("udp4");
  closing.push(() => socket.close());
  const heard: string[] = [];
  socket.on("message", (bytes) => heard.push(bytes.toString()));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { syslog, lost } = syslogTo(`udp://127.0.0.1:${socket.address().port}`);
  syslog.send("a");
  syslog.send("b");
  await vi.waitFor(() => expect(heard.map(textOf)).toEqual(["a", "b"]), { interval: 5 });
  expect(heard[0]).toMatch(/^<109>1 2026-11-29T12:00:00\.000Z \S+ taskrun \d+ audit\.checkpoint - a$/);
  expect(lost).toEqual([]);
});

test("a name that nobody has is counted, and said once", async () => {
  const { syslog, lost, warned } = syslogTo("udp://nobody.invalid:514");
  syslog.send("a");
  syslog.send("b");
  await vi.waitFor(() => expect(lost.length).toBe(2), { timeout: 10_000 });
  expect(warned.length).toBe(1);
}, 20_000);

test("a checkpoint of many chains goes in parts that every collector takes, each signed by itself, and together they name every chain", async () => {
  const sent: string[] = [];
  const store = new MemoryAudit();
  const chains = Array.from(
    { length: 20 },
    (_, i) => `0198f3c2-aaaa-7bbb-8ccc-${String(i).padStart(12, "0")}`,
  );
  for (const chain of chains) {
    const record = auditRecord({
      at: instant(1),
      actor: "key:a",
      action: "worker.drain",
      object: "worker w",
    });
    await store.append(chain, { chain, records: [record] });
  }
  const started = await startAudit({ store, syslog: { send: (text) => void sent.push(text) } });
  closing.push(() => started.close());
  await started.log.record({ actor: "key:a", action: "key.create", object: "key k" });
  await started.pass(limits.auditCheckpointEvery);
  expect(sent.length).toBe(3);
  const whole = readCheckpoint(started.lines()[0] ?? "");
  const parts = sent.map((text) => readCheckpoint(text));
  for (const [i, part] of parts.entries()) {
    expect(part).toMatchObject({ chain: "server", seq: 1, hash: whole?.hash, key: whole?.key });
    const message = syslogMessage(sent[i] ?? "", 0, { host: "h".repeat(64), pid: 4_194_304 });
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(2_048);
  }
  expect(parts.flatMap((part) => part?.others.map(({ chain }) => chain) ?? [])).toEqual(chains);
});
