import { edit, type Mutant, type TestName } from "../mutant.js";

const several = (name: string): TestName => ({ file: "test/api/access/several-servers.test.ts", name });
const ended = (name: string): TestName => ({ file: "test/gateway/access/ended-credentials.test.ts", name });
const sqlite = (name: string): TestName => ({ file: "test/stores/sqlite/sqlite.test.ts", name });
const token = (name: string): TestName => ({ file: "test/gateway/access/watch-tokens.test.ts", name });
const TOKENS = "src/api/access/watch-tokens.ts";
const login = (name: string): TestName => ({ file: "test/cli/login.test.ts", name });
const listen = (name: string): TestName => ({ file: "test/embedded/listen.test.ts", name });
const EDGE = "src/embedded/edge.ts";
const PROFILES = "src/cli/login/profiles.ts";
const RING = "src/api/access/key-ring.ts";
const KEEPER = "src/api/access/key-keeper.ts";

/** Ways in which a credential could go on to count when it does no longer, or be forgotten while it does. */
export const accessMutants: readonly Mutant[] = [
  {
    name: "access: other servers are not told of a key",
    edits: [edit("src/brokers/credential-wakes.ts", 'this.#broker?.publish([{ type: "credentials" }]);', "")],
    test: several("every other one knows at once"),
  },
  {
    name: "access: a wake of another server is not heard",
    edits: [
      edit(
        "src/brokers/credential-wakes.ts",
        'if (wakes.some(({ type }) => type === "credentials")) this.#heard();',
        "",
      ),
    ],
    test: several("every other one knows at once"),
  },
  {
    name: "access: a lost wake is never made up for",
    edits: [edit(KEEPER, "if (isShared) this.#every(limits.keyPoll, () => this.#refresh());", "")],
    test: several("where wakes are lost"),
  },
  {
    name: "access: keys that nobody confirms count for ever",
    edits: [edit(RING, "if (!this.#isConfirmed(now)) throw notConfirmed();", "")],
    test: several("cannot ask its store"),
  },
  {
    name: "access: keys count from when the answer came, not from when it was asked for",
    edits: [
      edit(
        RING,
        "else this.#confirmedAt = askedAt;",
        "else this.#confirmedAt = later(now(), limits.keyPoll);",
      ),
    ],
    test: several("cannot ask its store"),
  },
  {
    name: "access: a key that is replaced and its successor are written apart",
    edits: [
      edit(
        RING,
        "await this.#put([made.row, shortened], {",
        "await this.#put([made.row], { action: 'key.create', caller }); await this.#put([shortened], {",
      ),
    ],
    test: several("a change of a key that another server has changed"),
  },
  {
    name: "access: uses that could not be written are forgotten",
    edits: [
      edit(
        RING,
        "      await this.#parts.store.noteUses(uses);",
        "      this.#used.clear();\n      await this.#parts.store.noteUses(uses);",
      ),
    ],
    test: several("written the next time"),
  },
  {
    name: "access: keys are never removed",
    edits: [edit(RING, "instant(Math.max(0, now() - age))", "instant(0)")],
    test: several("ended long ago"),
  },
  {
    name: "access: nobody is told that a key has expired",
    edits: [edit(KEEPER, "clock.wakeAt(next, () => keys.announce())", "clock.wakeAt(next, () => {})")],
    test: several("whoever listens"),
  },
  {
    name: "access: what is open goes on when its key is revoked",
    edits: [
      edit(
        "src/gateway/server.ts",
        "keys.onChange(streams.endWhere((caller) => keys.endOf(caller)));",
        "streams.endWhere((caller) => keys.endOf(caller));",
      ),
    ],
    test: ended("a watch ends"),
  },
  {
    name: "access: over gRPC nobody knows whose a stream is",
    edits: [edit("src/gateway/grpc/grpc.ts", "open.belongTo(streamCall.caller);", "")],
    test: ended("a worker's stream"),
  },
  {
    name: "access: of a wait nobody knows whose it is",
    edits: [edit("src/gateway/http/connect.ts", "wait?.belongTo(call.caller);", "")],
    test: ended("a wait ends"),
  },
  {
    name: "access: a revocation ends what other keys have opened",
    edits: [
      edit(
        "src/gateway/traffic/streams.ts",
        "if (fault) this.end(fault);",
        "if (this.#caller) this.end(fault ?? tooManyStreams());",
      ),
    ],
    test: ended("a watch ends"),
  },
  {
    name: "access: two that change a key at the same time do not notice",
    edits: [edit("src/stores/sqlite/writer.ts", "if (!this.#keys.follow(rows)) return false;", "")],
    test: sqlite("written only over the revision before it"),
  },
  {
    name: "access: a token opens every Task",
    edits: [
      edit(TOKENS, "if (form !== 1 || taskId !== id) throw notValid();", "if (form !== 1) throw notValid();"),
    ],
    test: token("opens nothing else"),
  },
  {
    name: "access: the MAC of a token is not compared",
    edits: [edit(TOKENS, "|| !isOurs", "|| (!isOurs && mac.length < 43)")],
    test: token("was changed, cut off"),
  },
  {
    name: "access: a token lasts for ever",
    edits: [edit(TOKENS, "if (this.#parts.now() >= expiresAt) throw expired();", "")],
    test: token("opens the events of its Task"),
  },
  {
    name: "access: a token counts when its key does no longer",
    edits: [edit(TOKENS, "this.#parts.requireLive(caller);", "")],
    test: token("ends with the key"),
  },
  {
    name: "access: each server draws its own secret",
    edits: [
      edit(
        "src/api/access/open-access.ts",
        "(await credentials?.sharedSecret(drawSecret())) ?? drawSecret()",
        "drawSecret()",
      ),
    ],
    test: token("on any server of the store"),
  },
  {
    name: "access: every route takes a token",
    edits: [edit("src/gateway/access/authenticate.ts", "|| !watchTokenRoutes.has(asked)", "")],
    test: token("opens nothing else"),
  },
  {
    name: "access: the log shows tokens",
    edits: [edit("src/host/log.ts", 'line.replace(SECRETS, "[redacted]")', "line")],
    test: token("nor the log shows"),
  },
  {
    name: "access: a profile that others can read is used",
    edits: [edit(PROFILES, "(mode & OTHERS) !== 0", "mode < 0")],
    test: login("others can read"),
  },
  {
    name: "access: a profile's key goes to any server",
    edits: [
      edit(
        "src/cli/connection.ts",
        "if (!asked || asked === profile.addr) return profile;",
        "if (asked !== '-') return profile;",
      ),
    ],
    test: login("to its own server only"),
  },
  {
    name: "access: a name of a profile leads out of the folder",
    edits: [edit(PROFILES, "if (/^[A-Za-z0-9][\\w.-]{0,63}$/.test(name)) return", "if (name !== '') return")],
    test: login("not found"),
  },
  {
    name: "access: a variable counts before a profile",
    edits: [
      edit(
        "src/cli/connection.ts",
        "if (inOption === undefined && profile) return",
        "if (inOption === undefined && profile && !env.TASKRUN_API_KEY) return",
      ),
    ],
    test: login("the nearest counts"),
  },
  {
    name: "access: a key that is refused is kept",
    edits: [edit("src/cli/login/login.ts", "if (check) await tryOut", "if (!check) await tryOut")],
    test: login("is not kept"),
  },
  {
    name: "access: an embedded plane asks nobody",
    edits: [edit(EDGE, "access && admission)", "undefined)")],
    test: listen("each call of listen says"),
  },
  {
    name: "access: an embedded plane speaks plaintext",
    edits: [edit(EDGE, "{ ...addresses, ...(tls && { tls }) }", "addresses")],
    test: listen("with tls auto"),
  },
  {
    name: "access: what is open at a further address goes on when its key is revoked",
    edits: [
      edit("src/gateway/server.ts", "if (keys) followed.add(keys);", "if (keys) followed.delete(keys);"),
      edit(
        "src/gateway/server.ts",
        "if (keys && !followed.has(keys)) keys.onChange",
        "if (keys && followed.has(keys)) keys.onChange",
      ),
    ],
    test: listen("a worker whose key is revoked"),
  },
  {
    name: "access: a credential that ends while its caller is identified is never noticed",
    edits: [
      edit(
        "src/gateway/traffic/streams.ts",
        "    this.#caller = caller;\n    this.recheck();",
        "    this.#caller = caller;",
      ),
    ],
    test: { file: "test/gateway/traffic/streams.test.ts", name: "ends with its caller's credential" },
  },
];
