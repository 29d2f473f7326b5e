/**
 * Every rpc of every package in every situation, by Connect with JSON: the status of each answer is in the snapshot, one line for an
 * rpc, so that whoever changes one sees it. Who may call what is in `access/matrix.test.ts`, and that all mounts answer alike in
 * `every-rpc.test.ts`.
 */
import { create, type DescMethod, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policy } from "#gateway/access/policy";
import { rpcs } from "#gateway/handlers/index";
import { nameOf, prepare, samples } from "../kit/samples.js";
import { openWorld, unknownRequest, type World } from "./situations.js";

let world: World;
let admin: Record<string, string>;
let small: Record<string, string>;
let foreign: Record<string, string>;
beforeAll(async () => {
  world = await openWorld();
  const of = async (role: string, namespaces?: readonly string[]) => ({
    "x-api-key": await world.handed.of("key", role, namespaces),
  });
  [admin, small, foreign] = [await of("admin"), await of("connector"), await of("admin", ["elsewhere"])];
});
afterAll(() => world.close());

async function ask(
  port: number,
  method: DescMethod,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<string> {
  await prepare(world.well.plane);
  const response = await fetch(`http://127.0.0.1:${port}/${nameOf(method)}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (response.ok) return "ok";
  const { code, message } = JSON.parse(text) as { code: string; message?: string };
  // A failure says something, and none is a bug of the server.
  expect(message?.length ?? 0, `${nameOf(method)} ${text}`).toBeGreaterThan(5);
  expect(["internal", "unknown"], `${nameOf(method)} ${text}`).not.toContain(code);
  return code;
}

const methods = rpcs.filter(({ kind }) => kind === "unary").map(({ method }) => method);

test("every rpc answers as its line says", async () => {
  const lines: Record<string, string> = {};
  for (const method of methods) {
    const name = nameOf(method);
    const request = toJson(method.input, create(method.input, samples[name]?.request)) as object;
    const { httpPort } = world.well;
    const none = unknownRequest({ body: request }).body;
    const needs = policy.get(name);
    const answers = {
      right: await ask(httpPort, method, request, admin),
      wrong: await ask(httpPort, method, { ...request, nonsense: 1 }, admin),
      broken: await ask(httpPort, method, "{", admin),
      unknown:
        JSON.stringify(none) === JSON.stringify(request) ? "-" : await ask(httpPort, method, none, admin),
      foreign: await ask(httpPort, method, request, foreign),
      nobody: await ask(httpPort, method, request),
      small: await ask(httpPort, method, request, small),
      draining: await ask(world.drainingPort, method, request, admin),
      overload: await ask(world.overloaded.httpPort, method, request, admin),
    };
    expect([name, answers.wrong, answers.broken]).toEqual([name, "invalid_argument", "invalid_argument"]);
    if (needs !== "nothing" && needs !== "a token")
      expect([name, answers.nobody]).toEqual([name, "unauthenticated"]);
    lines[name] = Object.entries(answers)
      .map((each) => each.join(" "))
      .join(", ");
  }
  expect(lines).toMatchSnapshot();
}, 120_000);
