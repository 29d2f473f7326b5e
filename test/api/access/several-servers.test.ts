import { expect, test } from "vitest";
import { KeyKeeper } from "#api/access/key-keeper";
import { openAccess } from "#api/access/open-access";
import { CredentialWakes } from "#brokers/credential-wakes";
import { localBrokers } from "#brokers/local";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { instant, millis } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import type { CredentialStore } from "#ports/credentials";
import { sharedMemory } from "#stores/memory/shared";
import { VirtualClock } from "#testing/virtual-time";

const DAY = millis(86_400_000);
const terms = { name: "ci", role: "operator", namespaces: ["a"], ttl: DAY } as const;
const { log } = silentTelemetry();

/** Servers over one store, each with its own keys; `withWakes` false loses every wake. */
async function servers(withWakes: boolean) {
  const clock = new VirtualClock(1_000_000);
  const memory = sharedMemory(() => clock.now());
  const brokers = localBrokers();
  const cuts: (() => void)[] = [];
  const start = async () => {
    const store = memory.open();
    let away = false;
    cuts.push(() => {
      away = !away;
    });
    const credentials = reachable(store.credentials, () => !away);
    const wakes = new CredentialWakes(withWakes ? brokers.join() : undefined);
    const retention = limits.keyRetention;
    const parts = { store: { shared: true, credentials }, clock, log, retention, wakes };
    const access = await openAccess({ ...parts, first: async () => {} });
    wakes.broker?.subscribe({ wakes: () => {}, gap: () => {} });
    return access;
  };
  const [a, b] = [await start(), await start()];
  await clock.advance(1);
  return { clock, a, b, cutOff: { a: cuts[0] ?? fail, b: cuts[1] ?? fail }, memory };
}

function fail(): never {
  throw new Error("there are two");
}

function reachable(store: CredentialStore | undefined, isThere: () => boolean): CredentialStore {
  if (!store) throw new Error("it keeps keys");
  const asked = async () => {
    if (!isThere()) throw new Fault("unavailable", "the store is away");
  };
  return {
    keys: async () => asked().then(() => store.keys()),
    version: async () => asked().then(() => store.version()),
    putKeys: async (rows) => asked().then(() => store.putKeys(rows)),
    noteUses: async (uses) => asked().then(() => store.noteUses(uses)),
    removeEnded: async (...args) => asked().then(() => store.removeEnded(...args)),
    sharedSecret: async (drawn) => asked().then(() => store.sharedSecret(drawn)),
  };
}

const reasonOf = (work: () => unknown) => {
  try {
    work();
    return "let in";
  } catch (error) {
    return (error as Fault).reason;
  }
};

test("a key that one server makes, replaces or revokes every other one knows at once, by a wake", async () => {
  const { clock, a, b } = await servers(true);
  const made = await a.keys.make(LOCAL_CALLER, terms);
  await clock.advance(1);
  expect(b.keys.callerOf(made.text).principal).toBe(`key:${made.row.id}`);

  const next = await b.keys.rotate(LOCAL_CALLER, made.row.id, millis(10));
  await clock.advance(9);
  expect(a.keys.callerOf(next.text).roles).toEqual(["operator"]);
  expect(reasonOf(() => a.keys.callerOf(made.text))).toBe("let in");
  await clock.advance(1);
  expect(reasonOf(() => a.keys.callerOf(made.text))).toBe("CREDENTIAL_EXPIRED");

  await b.keys.revoke(LOCAL_CALLER, next.row.id);
  await clock.advance(1);
  expect(reasonOf(() => a.keys.callerOf(next.text))).toBe("CREDENTIAL_REVOKED");
});

test("where wakes are lost a server finds it by asking, in no more than five seconds", async () => {
  const { clock, a, b } = await servers(false);
  const made = await a.keys.make(LOCAL_CALLER, terms);
  await clock.advance(limits.keyPoll);
  expect(reasonOf(() => b.keys.callerOf(made.text))).toBe("let in");
  await a.keys.revoke(LOCAL_CALLER, made.row.id);
  expect(reasonOf(() => b.keys.callerOf(made.text))).toBe("let in");
  await clock.advance(limits.keyPoll);
  expect(reasonOf(() => b.keys.callerOf(made.text))).toBe("CREDENTIAL_REVOKED");
  expect(limits.keyPoll).toBeLessThan(5_000);
});

test("a server that cannot ask its store refuses everybody, five seconds after it was answered last, until it can", async () => {
  const { clock, a, b, cutOff } = await servers(true);
  const made = await a.keys.make(LOCAL_CALLER, terms);
  await clock.advance(limits.keyPoll);
  cutOff.b();
  await a.keys.revoke(LOCAL_CALLER, made.row.id);
  // It was asked, and answered, when it was cut off.
  await clock.advance(limits.keysTrusted - 2);
  expect(reasonOf(() => b.keys.callerOf(made.text))).toBe("let in");
  await clock.advance(1);
  expect(reasonOf(() => b.keys.callerOf(made.text))).toBe("CREDENTIALS_UNCONFIRMED");
  expect(() => b.keys.callerOf("nonsense")).toThrow("try again later, or another server");
  expect(reasonOf(() => a.keys.callerOf(made.text))).toBe("CREDENTIAL_REVOKED");

  cutOff.b();
  await clock.advance(limits.keyPoll);
  expect(reasonOf(() => b.keys.callerOf(made.text))).toBe("CREDENTIAL_REVOKED");
});

test("a change of a key that another server has changed is refused, and then goes by what is there", async () => {
  const { clock, a, b } = await servers(false);
  const { row } = await a.keys.make(LOCAL_CALLER, terms);
  await clock.advance(limits.keyPoll);
  await a.keys.revoke(LOCAL_CALLER, row.id);
  await expect(b.keys.rotate(LOCAL_CALLER, row.id, DAY)).rejects.toMatchObject({ reason: "KEY_CHANGED" });
  await expect(b.keys.rotate(LOCAL_CALLER, row.id, DAY)).rejects.toMatchObject({ reason: "KEY_ENDED" });
  // Nothing was left of the first try.
  expect((await b.keys.visibleTo(LOCAL_CALLER)).filter(({ name }) => name === "ci").length).toBe(1);
});

test("a list of keys has the last use on any server, as it is written once a minute, for all keys together", async () => {
  const { clock, a, b, memory } = await servers(true);
  const keys = [await a.keys.make(LOCAL_CALLER, terms), await a.keys.make(LOCAL_CALLER, terms)];
  await clock.advance(1);
  let writes = 0;
  const { credentials } = memory.whole;
  if (!credentials) throw new Error("it keeps keys");
  const note = credentials.noteUses.bind(credentials);
  credentials.noteUses = async (uses) => {
    writes += 1;
    await note(uses);
  };
  const usedAt = clock.now();
  for (let n = 0; n < 100; n++) for (const { text } of keys) b.keys.callerOf(text);
  await clock.advance(limits.keyUseNoted);
  expect(writes).toBe(1);
  const listed = await a.keys.visibleTo(LOCAL_CALLER);
  expect(listed.filter(({ name }) => name === "ci").map(({ lastUsedAt }) => lastUsedAt)).toEqual([
    usedAt,
    usedAt,
  ]);
});

test("uses that could not be written are written the next time", async () => {
  const { clock, a, b, cutOff } = await servers(true);
  const { text, row } = await a.keys.make(LOCAL_CALLER, terms);
  await clock.advance(1);
  const usedAt = clock.now();
  b.keys.callerOf(text);
  cutOff.b();
  await clock.advance(limits.keyUseNoted);
  cutOff.b();
  await clock.advance(limits.keyUseNoted);
  const listed = await a.keys.visibleTo(LOCAL_CALLER);
  expect(listed.find(({ id }) => id === row.id)?.lastUsedAt).toBe(usedAt);
});

test("a key that ended long ago is removed, on all servers, and one that may still be asked for is not", async () => {
  const { clock, a, b } = await servers(true);
  const revoked = await a.keys.make(LOCAL_CALLER, { ...terms, ttl: limits.keyLifeMost });
  await a.keys.make(LOCAL_CALLER, terms);
  const lasting = await a.keys.make(LOCAL_CALLER, { ...terms, ttl: limits.keyLifeMost });
  await a.keys.revoke(LOCAL_CALLER, revoked.row.id);
  const revokedAt = clock.now();
  // The store's clock is the only one that runs for so long here.
  const hours = async (at: number) => {
    await clock.advance(at - clock.now());
  };
  const idsOf = async () => (await b.keys.visibleTo(LOCAL_CALLER)).map(({ id }) => id);
  await a.close();
  await b.close();
  clock.startFrom(instant(revokedAt + limits.keyRetention - 60_000));
  const keeper = new KeyKeeper({ keys: b.keys, clock, log, isShared: false, retention: limits.keyRetention });
  keeper.start();
  expect((await idsOf()).includes(revoked.row.id)).toBe(true);
  await hours(clock.now() + limits.keysRemovedEvery + 60_000);
  expect((await idsOf()).includes(revoked.row.id)).toBe(false);
  expect((await idsOf()).includes(lasting.row.id)).toBe(true);
  await a.keys.refresh();
  expect(a.keys.endOf({ credential: `key:${revoked.row.id}` })?.reason).toBe("CREDENTIAL_INVALID");
  await keeper.stop();
});

test("whoever listens is told when a key expires, at that instant, and when one is revoked", async () => {
  const { clock, a, b } = await servers(true);
  const short = await a.keys.make(LOCAL_CALLER, { ...terms, ttl: millis(10_000) });
  const long = await a.keys.make(LOCAL_CALLER, terms);
  await clock.advance(1);
  const seen: string[] = [];
  b.keys.onChange(() => {
    const ended = [short, long].filter(({ row }) => b.keys.endOf({ credential: `key:${row.id}` }));
    seen.push(`${clock.now() - 1_000_002} ${ended.length}`);
  });
  await clock.advance(10_500);
  expect(seen).toEqual(["9999 1"]);
  await a.keys.revoke(LOCAL_CALLER, long.row.id);
  await clock.advance(1);
  expect(seen.at(-1)).toBe("10500 2");
});
