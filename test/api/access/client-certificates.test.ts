/** What the certificate of a client makes of its caller. */
import { expect, test } from "vitest";
import { ClientCertificates, type ClientTerms } from "#api/access/client-certificates";
import { Credentials } from "#api/access/credentials";
import { readClientUri } from "#domain/access/spiffe";
import { instant } from "#domain/time/time";
import { authenticate } from "#gateway/access/authenticate";
import { limits } from "#limits/index";

const notAfter = instant(1_000_000);
const ci: ClientTerms = { role: "operator", namespaces: ["research", "billing"] };

function callerOf(client: string, terms: Readonly<Record<string, ClientTerms>>, now = 0) {
  const certificates = new ClientCertificates(new Map(Object.entries(terms)), () => instant(now));
  return certificates.callerOf({ client, serial: "4f", notAfter });
}

test("says who calls, as what, where, and until half a minute after its end", () => {
  expect(callerOf("ci", { ci })).toEqual({
    principal: "spiffe://taskrun/client/ci",
    roles: ["operator"],
    namespaces: ["research", "billing"],
    expiresAt: notAfter + limits.certificateGrace,
  });
  expect(limits.certificateGrace).toBe(30_000);
});

test("who is not named is as * says, or nobody", () => {
  const others: ClientTerms = { role: "viewer", namespaces: "*" };
  expect(callerOf("else", { ci, "*": others })).toMatchObject({ roles: ["viewer"], namespaces: "*" });
  expect(callerOf("ci", { ci, "*": others })).toMatchObject({ roles: ["operator"] });
  const nobody = expect.objectContaining({ code: "unauthenticated", reason: "CERTIFICATE_UNKNOWN" });
  expect(() => callerOf("else", { ci })).toThrow(nobody);
  // Not what every object has.
  expect(() => callerOf("constructor", { ci })).toThrow(nobody);
});

test("opens nothing from its end on", () => {
  expect(callerOf("ci", { ci }, notAfter - 1)).toMatchObject({ roles: ["operator"] });
  const ended = expect.objectContaining({ code: "unauthenticated", reason: "CERTIFICATE_EXPIRED" });
  expect(() => callerOf("ci", { ci }, notAfter)).toThrow(ended);
});

test.each([
  ["spiffe://taskrun/client/ci", "ci"],
  ["spiffe://taskrun/client/a.b_c-1", "a.b_c-1"],
  ["spiffe://taskrun/client/", undefined],
  ["spiffe://taskrun/client/..", undefined],
  ["spiffe://taskrun/client/a/b", undefined],
  ["spiffe://taskrun/client/a%2Fb", undefined],
  ["spiffe://taskrun/client/a?x", undefined],
  ["spiffe://other/client/ci", undefined],
  ["SPIFFE://taskrun/client/ci", undefined],
  ["spiffe://taskrun/t/default/w/w1", undefined],
])("the name in %s is %s", (uri, name) => {
  expect(readClientUri(uri)).toBe(name);
});

const keys = { callerOf: () => ({ principal: "key:k", namespaces: "*" as const, roles: ["admin"] }) };
const boss = { role: "admin", namespaces: "*" } as const;

function ask(asked: string, headers: Readonly<Record<string, string>> = {}, known = true) {
  const certificates = new ClientCertificates(new Map([["boss", boss]]), () => instant(0));
  const identify = authenticate(new Credentials(keys, undefined, known ? certificates : undefined));
  const peer = { address: "here", certificate: { client: "boss", serial: "4f", notAfter } };
  return identify({ asked, header: (name) => headers[name], peer });
}

const LIST = "taskrun.v1.TaskService/ListTasks";
const STREAM = "taskrun.v1.RunService/StreamConnect";

test("what a request says for itself counts before what its connection has shown", () => {
  expect(ask(LIST)).toMatchObject({ principal: "spiffe://taskrun/client/boss" });
  expect(ask(LIST, { "x-api-key": "tr_k" })).toMatchObject({ principal: "key:k" });
  expect(ask(STREAM, { "x-api-key": "tr_k" })).toMatchObject({ principal: "key:k" });
});

test("opens no worker's stream, and nothing where no client is known by one", () => {
  expect(() => ask(STREAM)).toThrow(
    expect.objectContaining({ code: "denied", reason: "CERTIFICATE_OF_CLIENT" }),
  );
  expect(() => ask(LIST, {}, false)).toThrow(expect.objectContaining({ reason: "CREDENTIAL_MISSING" }));
});
