/**
 * Every rpc with a stream in every situation, by Connect with JSON over HTTP/2: how each call ends, or that it goes on, is in the
 * snapshot, one line for an rpc. Those without are in `rpc-situations.test.ts`.
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { create, type DescMethod, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policy } from "#gateway/access/policy";
import { rpcs } from "#gateway/handlers/index";
import { answerWorkers, nameOf, prepare, samples } from "../kit/samples.js";
import { framed } from "../kit/ways.js";
import { openWorld, unknownRequest, type World } from "./situations.js";

/** The flag of Connect's last message, which says how the call has ended. */
const END = 2;
const PATIENCE_MS = 10_000;

let world: World;
let admin: Record<string, string>;
let connector: Record<string, string>;
let lister: Record<string, string>;
let foreign: Record<string, string>;
const sessions = new Map<number, ClientHttp2Session>();

beforeAll(async () => {
  world = await openWorld();
  answerWorkers(world.well.plane);
  const of = async (role: string, namespaces?: readonly string[]) => ({
    "x-api-key": await world.handed.of("key", role, namespaces),
  });
  [admin, connector, lister] = [await of("admin"), await of("connector"), await of("lister")];
  foreign = await of("admin", ["elsewhere"]);
});
afterAll(async () => {
  for (const session of sessions.values()) session.destroy();
  await world.close();
});

function sessionTo(port: number): ClientHttp2Session {
  const session = sessions.get(port) ?? connect(`http://127.0.0.1:${port}`).on("error", () => undefined);
  sessions.set(port, session);
  return session;
}

/** `ok` or the code with which it has ended; `goes on` once it has answered something, if it would never end. */
async function ask(
  port: number,
  method: DescMethod,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<string> {
  await prepare(world.well.plane);
  const name = nameOf(method);
  const isEndless = samples[name]?.atMost !== undefined;
  const stream = sessionTo(port).request({
    ...{ ":method": "POST", ":path": `/${name}`, "content-type": "application/connect+json" },
    ...headers,
  });
  stream.on("error", () => undefined).setTimeout(PATIENCE_MS, () => stream.close());
  stream.end(framed(typeof body === "string" ? body : JSON.stringify(body)));
  let got = Buffer.alloc(0);
  for await (const chunk of stream) {
    got = Buffer.concat([got, chunk as Buffer]);
    const { flags, content } = lastFrame(got);
    if (flags === END) return outcomeOf(name, content);
    if (isEndless && flags === 0) {
      stream.close();
      return "goes on";
    }
  }
  return `was cut off after ${got.length} bytes`;
}

/** The last of the messages that have come whole. */
function lastFrame(bytes: Buffer): { readonly flags: number | undefined; readonly content: string } {
  let last = { flags: undefined as number | undefined, content: "" };
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    last = { flags: bytes[at], content: bytes.toString("utf8", at + 5, end) };
    at = end;
  }
  return last;
}

function outcomeOf(name: string, text: string): string {
  const { error } = JSON.parse(text) as { error?: { code: string; message?: string } };
  if (!error) return "ok";
  expect(error.message?.length ?? 0, `${name} ${text}`).toBeGreaterThan(5);
  expect(["internal", "unknown"], `${name} ${text}`).not.toContain(error.code);
  return error.code;
}

const methods = rpcs.filter(({ kind }) => kind !== "unary").map(({ method }) => method);

test("every rpc with a stream ends as its line says", { timeout: 120_000 }, async () => {
  const lines: Record<string, string> = {};
  for (const method of methods) {
    const name = nameOf(method);
    const request = toJson(method.input, create(method.input, samples[name]?.request)) as object;
    const { httpPort } = world.well;
    const none = unknownRequest({ body: request }).body;
    const needs = policy.get(name);
    const small = needs === "workers:connect" ? lister : connector;
    const answers = {
      right: await ask(httpPort, method, request, admin),
      wrong: await ask(httpPort, method, { ...request, nonsense: 1 }, admin),
      broken: await ask(httpPort, method, "{", admin),
      unknown:
        JSON.stringify(none) === JSON.stringify(request) ? "-" : await ask(httpPort, method, none, admin),
      foreign: await ask(httpPort, method, request, foreign),
      nobody: await ask(httpPort, method, request),
      small: await ask(httpPort, method, request, small),
      draining: await ask(world.drainingHttp2Port, method, request, admin),
      overload: await ask(world.overloaded.httpPort, method, request, admin),
    };
    expect([name, answers.wrong, answers.broken]).toEqual([name, "invalid_argument", "invalid_argument"]);
    if (needs !== "nothing") expect([name, answers.nobody]).toEqual([name, "unauthenticated"]);
    lines[name] = Object.entries(answers)
      .map((each) => each.join(" "))
      .join(", ");
  }
  expect(lines).toMatchSnapshot();
});
