/** Tokens of an issuer: which are taken, by which keys, and for how long those count. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { instant } from "#domain/time/time";
import { openKeyFile } from "#host/jwt/key-file";
import { readKeySet } from "#host/jwt/key-set";
import { openTokens } from "#host/jwt/open";
import { tokenVerifier } from "#host/jwt/verifier";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
const ISSUER = "https://login.example";
const NOW = 1_800_000_000_000;
const seconds = Math.floor(NOW / 1_000);
const pairs = {} as Record<"ES256" | "EdDSA" | "RS256" | "ES384" | "other", Pair>;

beforeAll(async () => {
  for (const alg of ["ES256", "EdDSA", "RS256", "ES384"] as const) {
    pairs[alg] = await generateKeyPair(alg, { extractable: true });
  }
  pairs.other = await generateKeyPair("ES256", { extractable: true });
});

const claims = { sub: "alice", role: "operator", namespaces: ["a"] };

interface Terms {
  readonly alg?: string;
  readonly key?: Pair["privateKey"] | Uint8Array;
  readonly kid?: string;
  readonly iss?: string;
  readonly aud?: string | string[];
  readonly exp?: number | undefined;
  readonly nbf?: number;
  readonly extra?: Record<string, unknown>;
}

function sign({ alg = "ES256", key = pairs.ES256.privateKey, kid, ...terms }: Terms = {}): Promise<string> {
  const { iss = ISSUER, aud = "taskrun", nbf, extra = {} } = terms;
  const token = new SignJWT({ ...claims, ...extra }).setProtectedHeader({
    alg,
    ...(kid !== undefined && { kid }),
  });
  token.setIssuer(iss).setAudience(aud);
  const exp = "exp" in terms ? terms.exp : seconds + 300;
  if (exp !== undefined) token.setExpirationTime(exp);
  if (nbf !== undefined) token.setNotBefore(nbf);
  return token.sign(key);
}

async function jwks(...names: (keyof typeof pairs)[]): Promise<string> {
  const keys = await Promise.all(
    names.map(async (name): Promise<JWK> => ({ ...(await exportJWK(pairs[name].publicKey)), kid: name })),
  );
  return JSON.stringify({ keys });
}

const ALGORITHMS = ["ES256", "EdDSA", "RS256"];

async function verifierOf(text: string, algorithms = ALGORITHMS) {
  const parts = { issuer: ISSUER, audience: ["taskrun", "second"], algorithms, now: () => instant(NOW) };
  return tokenVerifier({ find: readKeySet(text), ...parts });
}

describe("a token", () => {
  test("of each algorithm that is allowed is taken, with its claims and its end", async () => {
    const { verify } = await verifierOf(await jwks("ES256", "EdDSA", "RS256"));
    for (const alg of ["ES256", "EdDSA", "RS256"] as const) {
      const verified = await verify(await sign({ alg, key: pairs[alg].privateKey, kid: alg }));
      expect(verified).toMatchObject({ claims, expiresAt: (seconds + 300) * 1_000 + 60_000 });
    }
  });

  const refused: readonly (readonly [string, () => Promise<string>, string, RegExp])[] = [
    [
      "another key's",
      () => sign({ key: pairs.other.privateKey, kid: "ES256" }),
      "CREDENTIAL_INVALID",
      /signature/,
    ],
    ["a kid of nobody", () => sign({ kid: "nobody" }), "CREDENTIAL_INVALID", /signature/],
    [
      "an algorithm that is not allowed",
      () => sign({ alg: "ES384", key: pairs.ES384.privateKey, kid: "ES384" }),
      "CREDENTIAL_INVALID",
      /algorithm/,
    ],
    [
      "none",
      async () =>
        new UnsecuredJWT(claims)
          .setIssuer(ISSUER)
          .setAudience("taskrun")
          .setExpirationTime(seconds + 9)
          .encode(),
      "CREDENTIAL_INVALID",
      /signature/,
    ],
    [
      "HS256 with the public key as its secret",
      async () =>
        sign({ alg: "HS256", key: Buffer.from(await exportSPKI(pairs.RS256.publicKey)), kid: "RS256" }),
      "CREDENTIAL_INVALID",
      /algorithm/,
    ],
    ["another issuer", () => sign({ iss: "https://evil.example" }), "CREDENTIAL_INVALID", /its claim iss/],
    ["another audience", () => sign({ aud: "elsewhere" }), "CREDENTIAL_INVALID", /its claim aud/],
    ["no end", () => sign({ exp: undefined }), "CREDENTIAL_INVALID", /its claim exp/],
    ["an end that has passed", () => sign({ exp: seconds - 60 }), "CREDENTIAL_EXPIRED", /has expired/],
    [
      "a beginning that has not come",
      () => sign({ nbf: seconds + 62 }),
      "CREDENTIAL_INVALID",
      /its claim nbf/,
    ],
    ["more than 8 KiB", () => sign({ extra: { pad: "x".repeat(7_000) } }), "CREDENTIAL_INVALID", /form/],
    ["a letter changed", async () => changed(await sign()), "CREDENTIAL_INVALID", /signature/],
  ];

  test.each(refused)("with %s is refused", async (_, make, reason, message) => {
    const { verify } = await verifierOf(await jwks("ES256", "EdDSA", "RS256", "ES384"));
    const fault = await verify(await make()).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: "unauthenticated", details: { reason } });
    expect((fault as Error).message).toMatch(message);
  });

  test("may be of a clock that is a minute behind or ahead, and no more", async () => {
    const { verify } = await verifierOf(await jwks("ES256"));
    await expect(verify(await sign({ exp: seconds - 59 }))).resolves.toBeDefined();
    await expect(verify(await sign({ nbf: seconds + 60 }))).resolves.toBeDefined();
    await expect(verify(await sign({ nbf: seconds + 61 }))).rejects.toThrow("nbf");
  });

  test("that names no key is tried by each that it could be of", async () => {
    const { verify } = await verifierOf(await jwks("other", "ES256"));
    await expect(verify(await sign())).resolves.toMatchObject({ claims });
    const stranger = await generateKeyPair("ES256");
    await expect(verify(await sign({ key: stranger.privateKey }))).rejects.toMatchObject({
      details: { reason: "CREDENTIAL_INVALID" },
    });
    await expect(verify(await sign({ aud: "elsewhere" }))).rejects.toThrow("its claim aud");
  });
});

function changed(token: string): string {
  const [header, payload = "", signature] = token.split(".");
  const body = JSON.parse(Buffer.from(payload, "base64url").toString());
  return [
    header,
    Buffer.from(JSON.stringify({ ...body, role: "admin" })).toString("base64url"),
    signature,
  ].join(".");
}

describe("a set of keys", () => {
  test("may be PEM, also several of them, a single JWK, or hold kinds that are not for us", async () => {
    const pem = `${await exportSPKI(pairs.other.publicKey)}\n${await exportSPKI(pairs.ES256.publicKey)}`;
    await expect((await verifierOf(pem)).verify(await sign())).resolves.toBeDefined();
    const jwk = await exportJWK(pairs.ES256.publicKey);
    await expect((await verifierOf(JSON.stringify(jwk))).verify(await sign())).resolves.toBeDefined();
    const more = JSON.stringify({ keys: [{ kty: "XYZ" }, jwk] });
    await expect((await verifierOf(more)).verify(await sign())).resolves.toBeDefined();
  });

  test("is refused if it is none, or holds what must not be public", async () => {
    const jwk = await exportJWK(pairs.ES256.publicKey);
    const secret = { kty: "oct", k: "c2VjcmV0" };
    const wrong: readonly (readonly [string, string])[] = [
      ["", "holds no public key"],
      ["{", "is no JSON"],
      ["{}", "holds no public key"],
      ['{"keys": 1}', "is no JWKS"],
      ['{"keys": [null]}', "is no JWKS"],
      [JSON.stringify({ keys: [jwk, secret] }), "holds a private or shared key"],
      [JSON.stringify(await exportJWK(pairs.ES256.privateKey)), "holds a private or shared key"],
      [await exportPKCS8(pairs.ES256.privateKey), "holds a private or shared key"],
      ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "is no public key"],
      [JSON.stringify({ keys: Array.from({ length: limits.keySetKeys + 1 }, () => jwk) }), "the limit is 64"],
    ];
    for (const [text, message] of wrong) expect(() => readKeySet(text), text).toThrow(message);
  });
});

interface Line {
  readonly message: string;
}

function listeningLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const note = (message: string) => void lines.push({ message });
  return { log: { debug: note, info: note, warn: note, error: note }, lines };
}

test("a file of keys is read again; one that cannot be used is logged once, and the keys before are used on", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "taskrun-jwt-")), "keys.json");
  const { log, lines } = listeningLog();
  await expect(openKeyFile(path, log)).rejects.toThrow("there is no such file");
  writeFileSync(path, await jwks("ES256"));
  const file = await openKeyFile(path, log);
  const parts = { issuer: ISSUER, audience: ["taskrun"], algorithms: ALGORITHMS, now: () => instant(NOW) };
  const { verify } = tokenVerifier({ find: file.find, ...parts });
  await expect(verify(await sign())).resolves.toBeDefined();

  writeFileSync(path, "half of a");
  await file.look();
  await file.look();
  await expect(verify(await sign())).resolves.toBeDefined();
  expect(lines).toEqual([{ message: expect.stringContaining("holds no public key") }]);

  writeFileSync(path, await jwks("other"));
  await file.look();
  await expect(verify(await sign())).rejects.toMatchObject({ details: { reason: "CREDENTIAL_INVALID" } });
  await expect(verify(await sign({ key: pairs.other.privateKey }))).resolves.toBeDefined();
  file.close();
});

describe("keys under a URL", () => {
  let asked = 0;
  let answer: { status: number; body: string; headers?: Record<string, string> } = { status: 200, body: "" };
  let elsewhere = "";
  const server = createServer(({ url }, response) => {
    if (url === "/elsewhere") return void response.end(elsewhere);
    asked += 1;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  let time = NOW;
  const fetching = vi.spyOn(globalThis, "fetch");
  afterAll(() => fetching.mockRestore());
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    server.unref();
  });
  afterEach(() => {
    asked = 0;
    time = NOW;
  });

  /** Resolves when what is fetched beside requests has come: a later token would wait for it, and not ask anew. */
  async function fetched(): Promise<void> {
    await Promise.allSettled(fetching.mock.results.map(({ value }) => value));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async function open() {
    const { log, lines } = listeningLog();
    const settings = {
      jwtKeys: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
      jwtIssuer: ISSUER,
      jwtAudience: ["taskrun"],
      jwtAlgorithms: ALGORITHMS,
    };
    const tokens = await openTokens(settings, log, { now: () => instant(time) });
    if (!tokens) throw new Error("tokens are taken");
    const outcome = async (kid: keyof typeof pairs = "ES256") => {
      const key = pairs[kid].privateKey;
      const exp = Math.floor(time / 1_000) + 300;
      const token = await sign({ kid, key, exp });
      return tokens.verify(token).then(
        () => "taken",
        ({ details }) => details.reason as string,
      );
    };
    return { outcome, lines, tokens };
  }

  test("are fetched for the first token, once for all that come at the same time", async () => {
    answer = { status: 200, body: await jwks("ES256") };
    const { outcome } = await open();
    expect(asked).toBe(0);
    expect(await Promise.all(Array.from({ length: 20 }, () => outcome()))).toEqual(Array(20).fill("taken"));
    expect(asked).toBe(1);
  });

  test("are fetched again for a key that is not among them, but no more than twice a minute", async () => {
    answer = { status: 200, body: await jwks("ES256") };
    const { outcome } = await open();
    await outcome();
    for (let n = 0; n < 10; n++) expect(await outcome("other")).toBe("CREDENTIAL_INVALID");
    expect(asked).toBe(1);
    answer = { status: 200, body: await jwks("ES256", "other") };
    time += limits.keySetRefreshLeast - 1;
    expect(await outcome("other")).toBe("CREDENTIAL_INVALID");
    expect(asked).toBe(1);
    time += 1;
    expect(await outcome("other")).toBe("taken");
    expect(asked).toBe(2);
  });

  test("that were withdrawn end after ten minutes, at the second token", async () => {
    answer = { status: 200, body: await jwks("ES256") };
    const { outcome } = await open();
    await outcome();
    answer = { status: 200, body: await jwks("other") };
    time += limits.keySetRefresh;
    expect(await outcome()).toBe("taken");
    await expect.poll(() => outcome()).toBe("CREDENTIAL_INVALID");
    expect(asked).toBe(2);
  });

  test("count for an hour while the issuer does not answer, then no token is taken; until it does", async () => {
    answer = { status: 200, body: await jwks("ES256") };
    const { outcome, lines } = await open();
    await outcome();
    answer = { status: 503, body: "down" };
    for (let minute = 10; minute < 60; minute += 10) {
      time = NOW + minute * 60_000;
      expect(await outcome(), `${minute} min`).toBe("taken");
      await fetched();
    }
    time = NOW + limits.keySetKept;
    expect(await outcome()).toBe("ISSUER_UNREACHABLE");
    expect(lines.filter(({ message }) => message.includes("cannot be had"))).toHaveLength(1);
    answer = { status: 200, body: await jwks("ES256") };
    expect(await outcome()).toBe("ISSUER_UNREACHABLE");
    time += limits.keySetRefreshLeast;
    expect(await outcome()).toBe("taken");
    expect(lines.at(-1)?.message).toContain("can be had again");
  });

  test.each([
    ["a redirect", { status: 302, body: "", headers: { location: "/elsewhere" } }],
    ["too much", { status: 200, body: "x".repeat(limits.keySetBytes + 1) }],
    ["no JWKS", { status: 200, body: "<html>" }],
    ["an error", { status: 500, body: "{}" }],
  ])("are not taken from %s", async (_, wrong) => {
    answer = wrong;
    elsewhere = await jwks("ES256");
    const { outcome } = await open();
    expect(await outcome()).toBe("ISSUER_UNREACHABLE");
    expect(await outcome()).toBe("ISSUER_UNREACHABLE");
    expect(asked).toBe(1);
  });
});
