import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { networkOf } from "#gateway/connections/address";
import { type Connection, Connections } from "#gateway/connections/connections";
import { silentTelemetry } from "#host/silent-telemetry";
import { RawSocket } from "../../hostile/raw/raw-http1.js";
import { RawHttp2 } from "../../hostile/raw/raw-http2.js";
import { open } from "../kit/open.js";

/** As much of a socket as is looked at. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function listen(connections: number, connectionsPerAddress: number) {
  const accepted: Connection[] = [];
  const counted: unknown[] = [];
  const telemetry = {
    ...silentTelemetry(),
    count: (_: string, labels?: object) => void counted.push(labels),
  };
  const listener = new Connections({ connections, connectionsPerAddress }, "grpc", telemetry);
  const server = listener.server((connection) => accepted.push(connection));
  const connect = (address: string) => {
    const socket = new FakeSocket(address);
    server.emit("connection", socket as unknown as Socket);
    return socket;
  };
  return { listener, accepted, counted, connect };
}

test("a connection above the bound is closed at once, and the others stay", () => {
  const { listener, connect, counted } = listen(3, 10);
  const sockets = ["10.0.0.1", "127.0.0.1", "::1", "10.0.0.2"].map(connect);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false, false, true]);
  expect(counted).toEqual([{ door: "grpc", bound: "total" }]);
  expect(listener.open).toBe(3);

  sockets[0]?.destroy();
  expect(connect("10.0.0.2").destroyed).toBe(false);
});

test("one address has its own bound, which the loopback has not", () => {
  const { connect, counted } = listen(100, 2);
  const destroyed = (addresses: string[]) => addresses.map(connect).map((socket) => socket.destroyed);
  expect(destroyed(["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"])).toEqual([false, false, true, false]);
  expect(destroyed(["::ffff:10.0.0.1", "::ffff:10.0.0.3"])).toEqual([true, false]);
  expect(destroyed(Array(20).fill("127.0.0.1"))).toEqual(Array(20).fill(false));
  expect(destroyed(Array(20).fill("::1"))).toEqual(Array(20).fill(false));
  expect(counted).toEqual([
    { door: "grpc", bound: "address" },
    { door: "grpc", bound: "address" },
  ]);
});

test("who has said hello does not count by address, and is not counted off twice", () => {
  const { accepted, connect } = listen(100, 1);
  const first = connect("10.0.0.1");
  accepted[0]?.identified();
  accepted[0]?.identified();
  const second = connect("10.0.0.1");
  expect(second.destroyed).toBe(false);
  first.destroy();
  expect(connect("10.0.0.1").destroyed).toBe(true); // the second one still counts
});

test.each([
  ["127.0.0.1", undefined],
  ["127.9.9.9", undefined],
  ["::1", undefined],
  ["::ffff:127.0.0.1", undefined],
  ["192.168.1.7", "192.168.1.7"],
  ["::ffff:192.168.1.7", "192.168.1.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::9", "2001:db8:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
])("%s counts as %s", (address, network) => expect(networkOf(address)).toBe(network));

test.each(["grpcPort", "httpPort"] as const)(
  "a full listener goes on serving those it has (%s)",
  async (port) => {
    const opened = await open({ connections: 2 });
    const held = new RawHttp2(opened[port]);
    const silent = new RawSocket(opened[port]);
    await Promise.all([held.opened, silent.opened]);
    await expect.poll(() => held.heardFrames(4), { timeout: 5_000 }).toBeGreaterThan(0);

    const third = new RawSocket(opened[port]);
    await third.closed;
    expect(held.isClosed || silent.isClosed).toBe(false);

    silent.end();
    await silent.closed;
    await expect
      .poll(
        async () => {
          const fourth = new RawHttp2(opened[port]);
          await fourth.opened;
          await new Promise((resolve) => setTimeout(resolve, 100));
          const taken = fourth.heardFrames(4) > 0;
          fourth.end();
          return taken;
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    held.end();
    await opened.gateway.close(1_000);
  },
);
