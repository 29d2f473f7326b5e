/** Another authority takes the place of the one in use: phase by phase, back, on several servers, and through crashes. */
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { showAuthority } from "#api/enrolment/counts";
import type { AuthorityPhase } from "#domain/access/authority";
import type { Fault } from "#domain/fault";
import { instant } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { pinOf } from "#host/tls/x509";
import { limits } from "#limits/index";
import type { LabelledValue, Telemetry } from "#ports/telemetry";
import { credentialOf, isTrusted, order, TestPlane, type TestServer, type TestWorker } from "./kit.js";

let plane: TestPlane;
beforeEach(() => {
  plane = new TestPlane();
});
afterEach(() => plane.end());

const go = (server: TestServer, to: AuthorityPhase, force = false) =>
  server.rotation.move("operator", to, force);
const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (fault: Fault) => fault.reason ?? fault.message,
  );

test("each phase trusts, signs and serves as it says, and at the end there is one authority again", async () => {
  const server = await plane.server("a");
  const worker = await plane.enrol(server, "w1");
  await plane.show(server, worker);
  const first = worker.kept;
  const old = server.authority.own;
  const { authority } = server;

  await go(server, "init");
  const next = server.rotation.row?.next;
  expect(next?.pin).not.toBe(old.pin);
  expect([authority.pin, authority.bundle]).toEqual([old.pin, old.cert + next?.cert]);
  expect(readFileSync(join(server.folder, "bundle.pem"), "utf8")).toBe(authority.bundle);
  await plane.renew(server, worker);
  expect(worker.kept.root).toBe(authority.bundle);
  expect(isTrusted(worker.kept, old.cert)).toBe(true);
  await plane.show(server, worker);

  await go(server, "update_clients");
  expect(authority.pin).toBe(old.pin);
  await plane.renew(server, worker);
  expect([isTrusted(worker.kept, old.cert), isTrusted(worker.kept, next?.cert ?? "")]).toEqual([false, true]);
  await plane.show(server, worker);

  await go(server, "update_servers");
  expect([authority.pin, pinOf(authority.serving.cert)]).toEqual([next?.pin, next?.pin]);
  await plane.show(server, worker);

  await go(server, "standby");
  expect([authority.own, authority.bundle]).toEqual([next, next?.cert]);
  expect(readFileSync(join(server.folder, "ca.pem"), "utf8").trim()).toBe(next?.cert.trim());
  expect(readdirSync(server.folder).filter((name) => name === "next" || name === "bundle.pem")).toEqual([]);
  await plane.show(server, worker);
  await plane.renew(server, worker);
  expect(worker.kept.root).toBe(next?.cert);
  await expect(server.enrolment.admit(credentialOf(first))).rejects.toMatchObject({
    reason: "CERTIFICATE_UNTRUSTED",
  });

  // A later start has the same authority; and once more it is rotated.
  const again = await plane.server("a");
  expect(again.authority.own).toEqual(next);
  for (const phase of order) {
    await go(again, phase);
    await plane.renew(again, worker);
    await plane.show(again, worker);
  }
  expect(isTrusted(worker.kept, again.authority.bundle)).toBe(true);
  expect((await plane.said()).map((text) => text.replace(/,.*$/, ""))).toEqual(
    [...order, ...order].map((phase) => `operator ${phase}`),
  );
});

test("a phase is refused that does not follow; the same one once more changes nothing", async () => {
  const server = await plane.server("a");
  expect(await go(server, "standby")).toEqual([]);
  for (const to of ["update_clients", "update_servers", "rollback"] as const) {
    expect(await refused(go(server, to))).toBe("ROTATION_ORDER");
  }
  expect(server.rotation.row).toBeUndefined();
  await go(server, "init");
  const row = server.rotation.row;
  expect(await go(server, "init")).toEqual([]);
  expect(server.rotation.row).toEqual(row);
  for (const to of ["update_servers", "standby"] as const)
    expect(await refused(go(server, to))).toBe("ROTATION_ORDER");
  await go(server, "rollback");
  for (const to of ["init", "update_clients"] as const)
    expect(await refused(go(server, to))).toBe("ROTATION_ORDER");
});

test("servers change only when every worker has kept the other authority, and the old one goes when none shows it", async () => {
  const server = await plane.server("a");
  const [slow, quick] = [await plane.enrol(server, "slow"), await plane.enrol(server, "quick")];
  await go(server, "init");
  await go(server, "update_clients");
  await plane.renew(server, quick);
  expect(await refused(go(server, "update_servers"))).toBe("ROTATION_WAITS");
  expect((await server.rotation.status()).waitingWorkers).toEqual(["default/quick", "default/slow"]);
  // What was signed may not have arrived: only who shows it has it.
  await plane.show(server, quick);
  expect((await server.rotation.status()).waitingWorkers).toEqual(["default/slow"]);
  await expect(go(server, "update_servers")).rejects.toMatchObject({
    message: expect.stringContaining("default/slow"),
  });
  await plane.renew(server, slow);
  await plane.show(server, slow);
  await go(server, "update_servers");
  await go(server, "standby");
});

test("a worker that has kept both, but shows the old one still, holds the end up; one whose certificate has ended does not", async () => {
  const server = await plane.server("a");
  const worker = await plane.enrol(server, "w1");
  await go(server, "init");
  await plane.renew(server, worker);
  await plane.show(server, worker);
  await go(server, "update_clients");
  await go(server, "update_servers");
  expect(await refused(go(server, "standby"))).toBe("ROTATION_WAITS");
  plane.now = instant(worker.kept.notAfter);
  expect(await go(server, "standby")).toEqual([]);
});

test("by force the workers are left behind that are listed: their streams end, and they are refused", async () => {
  const server = await plane.server("a");
  const worker = await plane.enrol(server, "w1");
  await plane.show(server, worker);
  const row = await plane.kept.get("worker", "default/w1");
  const ended: (string | undefined)[] = [];
  const told: number[] = [];
  const end = ({ reason }: Fault) => ended.push(reason);
  const stream = { credential: credentialOf(worker.kept), certificate: row?.certificates[0], end };
  server.enrolment.streams.watch({ ...stream, renew: (within) => void told.push(within) });
  await go(server, "init");
  expect(told).toEqual([limits.renewalSpread]);
  await go(server, "update_clients");
  expect(told.length).toBe(2);
  expect(await go(server, "update_servers", true)).toEqual(["default/w1"]);
  expect([told.length, ended]).toEqual([2, []]);
  expect(await go(server, "standby", true)).toEqual(["default/w1"]);
  expect(ended).toEqual(["CERTIFICATE_UNTRUSTED"]);
  expect(await refused(plane.show(server, worker))).toBe("CERTIFICATE_UNTRUSTED");
  expect(await refused(plane.renew(server, worker))).toBe("CERTIFICATE_UNTRUSTED");
  expect((await plane.said()).at(-1)).toContain("left behind: 1");
});

test.each([1, 2, 3])(
  "after %i phases it is rolled back: who has the other certificate already renews it first",
  async (phases) => {
    const server = await plane.server("a");
    const worker = await plane.enrol(server, "w1");
    const old = server.authority.own;
    for (const phase of order.slice(0, phases)) {
      await go(server, phase);
      await plane.renew(server, worker);
      await plane.show(server, worker);
    }
    await go(server, "rollback");
    expect([server.authority.pin, server.authority.bundle.includes(old.cert)]).toEqual([old.pin, true]);
    expect(await refused(go(server, "standby"))).toBe(phases === 1 ? "done" : "ROTATION_WAITS");
    await plane.renew(server, worker);
    expect(isTrusted(worker.kept, old.cert)).toBe(true);
    await plane.show(server, worker);
    await go(server, "standby");
    expect([server.authority.own, server.authority.bundle]).toEqual([old, old.cert]);
    expect(existsSync(join(server.folder, "next"))).toBe(false);
    const again = await plane.server("a");
    await plane.show(again, worker);
  },
);

test("each of several servers follows, is waited for, and needs the key that only the first has made", async () => {
  plane.live.push("node-a", "node-b");
  const a = await plane.server("a", "node-a");
  plane.copyAuthority("a", "b");
  const b = await plane.server("b", "node-b");
  const worker = await plane.enrol(b, "w1");
  await go(a, "init");
  await expect(go(a, "update_clients")).rejects.toMatchObject({
    reason: "ROTATION_WAITS",
    message: expect.stringContaining("node-b: has not said"),
  });
  await b.rotation.look();
  expect(b.authority.bundle).toBe(a.authority.bundle);
  await expect(go(a, "update_clients")).rejects.toMatchObject({
    message: expect.stringMatching(/node-b: the key of \S+ is missing: copy/),
  });
  plane.copyAuthority("a/next", "b/next");
  await b.rotation.look();
  await go(b, "update_clients");
  await plane.renew(b, worker);
  expect(isTrusted(worker.kept, a.rotation.row?.next?.cert ?? "")).toBe(true);
  // The other one has not heard of it yet, and what it signs would be of the old authority: it looks first.
  await plane.renew(a, worker);
  expect(isTrusted(worker.kept, a.rotation.row?.next?.cert ?? "")).toBe(true);
  await plane.show(a, worker);
  for (const phase of ["update_servers", "standby"] as const) {
    expect(await refused(go(a, phase))).toBe("ROTATION_WAITS");
    await b.rotation.look();
    await go(a, phase);
  }
  await b.rotation.look();
  expect([a.authority.bundle, a.authority.pin]).toEqual([b.authority.bundle, b.authority.pin]);
  for (const { folder } of [a, b]) expect(existsSync(join(folder, "next"))).toBe(false);
  // One that starts without the keys is not another plane.
  await expect(plane.server("c", "node-c")).rejects.toMatchObject({ reason: "AUTHORITY_OTHER" });
});

test("a server that was left behind without the key trusts what it must, signs nothing, and says why", async () => {
  plane.live.push("node-a", "node-b");
  const a = await plane.server("a", "node-a");
  plane.copyAuthority("a", "b");
  const b = await plane.server("b", "node-b");
  await go(a, "init");
  await go(a, "update_clients", true);
  await b.rotation.look();
  expect(b.authority.bundle).toBe(a.authority.bundle);
  await expect(plane.enrol(b, "w1")).rejects.toMatchObject({
    code: "unavailable",
    reason: "AUTHORITY_KEY_MISSING",
  });
  plane.copyAuthority("a/next", "b/next");
  await b.rotation.look();
  await plane.enrol(b, "w1");
});

/** What an operator and a worker do; each step may be done again. */
const steps = order.flatMap((phase): ((server: TestServer, worker: TestWorker) => Promise<unknown>)[] => [
  (server) => go(server, phase),
  (server, worker) => plane.renew(server, worker),
  (server, worker) => plane.show(server, worker),
]);

class Killed extends Error {}

test.each(["before", "after"])(
  "a server that dies %s any of its commits goes on where it was",
  async (when) => {
    for (let fatal = 1, isOver = false; !isOver; fatal++) {
      plane.end();
      plane = new TestPlane();
      let server = await plane.server("a");
      const worker = await plane.enrol(server, "w1");
      const old = server.authority.own;
      let commits = 0;
      plane.store = {
        ...plane.kept,
        get: (...args) => plane.kept.get(...args),
        list: (...args) => plane.kept.list(...args),
        put: async (...args) => {
          commits += 1;
          if (commits === fatal && when === "before") throw new Killed();
          const answer = await plane.kept.put(...args);
          if (commits === fatal) throw new Killed();
          return answer;
        },
      } as typeof plane.kept;
      for (const step of steps) {
        for (let tries = 0; tries < 2; tries++) {
          const died = await step(server, worker).then(
            () => false,
            (error: unknown) => {
              if (error instanceof Killed) return true;
              throw error;
            },
          );
          if (!died) break;
          server = await plane.server("a");
          // Its worker connects again with what it has kept.
          await plane.show(server, worker);
        }
      }
      isOver = commits < fatal;
      const { row } = server.rotation;
      expect([row?.phase, row?.root, row?.next], `commit ${fatal}`).toEqual([
        "standby",
        server.authority.own,
        undefined,
      ]);
      expect(server.authority.own.pin).not.toBe(old.pin);
      expect(worker.kept.root).toBe(server.authority.bundle);
      expect(isTrusted(worker.kept, server.authority.bundle)).toBe(true);
      expect((await plane.said()).length).toBe(order.length);
      if (isOver) expect(commits).toBeGreaterThan(10);
    }
  },
);

test("a start ends what a crash has left between two files, and forgets what was never trusted", async () => {
  const server = await plane.server("a");
  const at = (name: string) => join(server.folder, name);
  await server.authority.prepare();
  expect(existsSync(at("next/ca.key"))).toBe(true);
  const clean = await plane.server("a");
  expect(existsSync(at("next"))).toBe(false);

  for (const phase of order.slice(0, 3)) await go(clean, phase);
  const { row } = clean.rotation;
  if (!row?.next) throw new Error("there is a next one");
  const done = { ...row, revision: row.revision + 1, phase: "standby", root: row.next } as const;
  const { next: _, ...standby } = done;
  await plane.kept.put([standby]);
  copyFileSync(at("next/ca.key"), at("ca.key"));
  const again = await plane.server("a");
  expect(again.authority.own.pin).toBe(row.next.pin);
  expect(existsSync(at("next"))).toBe(false);
  await plane.enrol(again, "w1");
});

test("a phase that is written and cannot be followed is followed by the next look", async () => {
  const server = await plane.server("a");
  const follow = server.authority.follow.bind(server.authority);
  server.authority.follow = async () => {
    throw new Error("no space left on device");
  };
  await go(server, "init");
  expect([server.rotation.isBehind, server.authority.bundle]).toEqual([true, server.authority.own.cert]);
  server.authority.follow = follow;
  await server.rotation.look();
  expect([server.rotation.isBehind, server.rotation.row?.phase]).toEqual([false, "init"]);
  expect(server.authority.bundle).toContain(server.rotation.row?.next?.cert);
});

test("metrics say how long the authority lasts, and where a rotation stands", async () => {
  const server = await plane.server("a");
  const gauges = new Map<string, () => unknown>();
  const gauge = (name: string, value: () => unknown) => void gauges.set(name, value);
  const telemetry = { ...silentTelemetry(), gauge } as Telemetry;
  showAuthority(telemetry, server.authority, server.rotation, () => plane.now);
  const shown = (name: string) => {
    const values = (gauges.get(name) as () => readonly LabelledValue[])();
    return values.map(({ labels, value }) => [...Object.values(labels), value]);
  };
  const life = [limits.authorityLife / 1_000, limits.issuingLife / 1_000];
  expect(shown("taskrun_authority_seconds")).toEqual([
    ["root", life[0]],
    ["issuing", life[1]],
  ]);
  expect(shown("taskrun_authority_phase").filter(([, value]) => value === 1)).toEqual([["standby", 1]]);
  await go(server, "init");
  plane.now = instant(plane.now + 1_000);
  expect(shown("taskrun_authority_seconds")).toEqual([
    ["root", (life[0] ?? 0) - 1],
    ["next", (life[0] ?? 0) - 1],
    ["issuing", (life[1] ?? 0) - 1],
  ]);
  expect(shown("taskrun_authority_phase").filter(([, value]) => value === 1)).toEqual([["init", 1]]);
});

test("a change between a signature and its commit: what the old authority has signed is not written", async () => {
  const server = await plane.server("a");
  const other = await plane.server("a");
  const worker = await plane.enrol(server, "w1");
  await go(server, "init");
  await other.rotation.look();
  const issue = other.authority.issue.bind(other.authority);
  let changed = false;
  other.authority.issue = async (...args) => {
    const issued = await issue(...args);
    if (!changed) await go(server, "update_clients");
    changed = true;
    return issued;
  };
  await plane.renew(other, worker);
  expect(isTrusted(worker.kept, server.rotation.row?.next?.cert ?? "")).toBe(true);
  const [record] = (await plane.kept.get("worker", "default/w1"))?.certificates.slice(-1) ?? [];
  expect(record).toMatchObject({
    root: server.rotation.row?.next?.pin,
    version: server.rotation.row?.version,
  });
});

test("a server with the store for itself goes by its files: another authority in them is the plane's", async () => {
  const server = await plane.server("a");
  for (const phase of order) await go(server, phase);
  const moved = await plane.server("elsewhere");
  expect(moved.rotation.row).toMatchObject({ phase: "standby", root: moved.authority.own });
  expect(moved.authority.own.pin).not.toBe(server.authority.own.pin);
  expect((await plane.said()).at(-1)).toContain("another authority is in the files");
  await plane.enrol(moved, "w1");
});
