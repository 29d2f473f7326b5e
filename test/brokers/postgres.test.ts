import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { postgresBroker } from "#brokers/postgres";
import { instant } from "#domain/time/time";
import type { Broker } from "#ports/broker";
import { brokerSuite } from "#testing/broker-suite/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { Wire } from "../stores/postgres/wire.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());

  const open = async () => {
    const schema = `wakes${Math.floor(Math.random() * 1e9)}`;
    const wires = new Map<Broker, Wire>();
    const ready = await Promise.all(Array.from({ length: 4 }, () => Wire.to(server.port)));
    return {
      join() {
        const wire = ready.pop();
        if (!wire) throw new Error("too many nodes for this test");
        const broker = postgresBroker({ url: server.url(schema, wire.port) });
        wires.set(broker, wire);
        return broker;
      },
      async cut(broker: Broker) {
        wires.get(broker)?.cut();
      },
      async close() {
        for (const wire of [...wires.values(), ...ready]) wire.close();
      },
    };
  };
  brokerSuite("the broker on PostgreSQL", open, { describe, test, expect, fc });

  const until = async (holds: () => boolean) => expect.poll(holds, { timeout: 10_000 }).toBe(true);
  const ear = (broker: Broker) => {
    const heard = { wakes: 0, gaps: 0 };
    broker.subscribe({
      wakes: (wakes) => {
        heard.wakes += wakes.length;
      },
      gap: () => {
        heard.gaps += 1;
      },
    });
    return heard;
  };

  test("what is published while the database is away is told when it is back, or others are told of a gap", async () => {
    const wire = await Wire.to(server.port);
    const [away, there] = [
      postgresBroker({ url: server.url("away", wire.port) }),
      postgresBroker({ url: server.url("away") }),
    ];
    const own = ear(away);
    const other = ear(there);
    await until(() => own.gaps === 1 && other.gaps === 1);
    wire.refuses = true;
    wire.cut();
    await until(() => !away.connected);
    away.publish([{ type: "due", at: instant(1) }]);
    wire.refuses = false;
    await until(() => other.wakes === 1 || other.gaps === 2);
    expect(own.gaps).toBe(2);
    await Promise.all([away.close(), there.close()]);
    wire.close();
  });

  test("after an outage in which too much was to be said, the others are told of a gap", async () => {
    const [silent, there] = [
      postgresBroker({ url: server.url("much") }),
      postgresBroker({ url: server.url("much") }),
    ];
    const other = ear(there);
    await until(() => other.gaps === 1);
    silent.publish(Array.from({ length: 10_001 }, (_, i) => ({ type: "ready", lane: String(i) }) as const));
    ear(silent);
    await until(() => other.gaps === 2);
    expect(other.wakes).toBe(0);
    await Promise.all([silent.close(), there.close()]);
  });

  test("two stores in one database do not hear each other, and what is no wake is passed over", async () => {
    const [one, another] = [
      postgresBroker({ url: server.url("one") }),
      postgresBroker({ url: server.url("two") }),
    ];
    const [heardOne, heardAnother] = [ear(one), ear(another)];
    await until(() => heardOne.gaps === 1 && heardAnother.gaps === 1);
    for (const text of ["hello", "{}", "[1]", '[1,"x",["l",1],["?"],5]', ""]) {
      await server.query("SELECT pg_notify('two', $1)", [text]);
    }
    await server.query("SELECT pg_notify('two', $1)", ['[1,"x",["a"]]']);
    await until(() => heardAnother.wakes === 1);
    one.publish([{ type: "agents" }]);
    await server.query("SELECT pg_notify('one', $1)", ['[2,"later release",["z"]]']);
    await until(() => heardOne.gaps === 2);
    expect([heardOne, heardAnother]).toEqual([
      { wakes: 0, gaps: 2 },
      { wakes: 1, gaps: 1 },
    ]);
    await Promise.all([one.close(), another.close()]);
  });

  test("a broker is one connection, which holds no transaction open", async () => {
    const broker = postgresBroker({ url: server.url("lean") });
    const heard = ear(broker);
    await until(() => heard.gaps === 1);
    broker.publish([{ type: "agents" }]);
    const sessions = () =>
      server.query("SELECT state FROM pg_stat_activity WHERE application_name LIKE '%wakes'");
    await expect.poll(sessions).toEqual([{ state: "idle" }]);
    await broker.close();
    await expect.poll(sessions).toEqual([]);
  });
}
