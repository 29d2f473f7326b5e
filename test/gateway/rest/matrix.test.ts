/**
 * Every operation of HTTP in every situation. What comes of each is recorded in `proto/taskrun/v1/rest.json`, from which the OpenAPI
 * document has its examples and failures: so what is documented is what was seen, and a change shows in that file.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { policy } from "#gateway/access/policy";
import { rpcs } from "#gateway/handlers/index";
import { routerOf } from "#gateway/http/routes";
import { plainPath } from "#gateway/openapi/parameters";
import { documentedAt } from "../kit/documented.js";
import { prepare } from "../kit/samples.js";
import { also, elsewhere } from "./also.js";
import {
  type Asked,
  type Got,
  openWorld,
  rightRequest,
  send,
  shownText,
  unknownRequest,
  type World,
} from "./situations.js";

const routes = routerOf({
  handlers: [],
  rpcs,
  metrics: { contentType: "", render: async () => "" },
  served: { telemetry: { count: () => undefined } } as never,
  streams: {} as never,
  inspection: {} as never,
}).routes;

/** Routes that the document does not have: the files of pages. */
const files = ["/api-docs/ui/{file}", "/inspect/dagre.js", "/inspect/{folder}/{file}"];

const operations = routes.flatMap((route) =>
  route.documentation && route.methods !== "*"
    ? route.methods
        .filter((each) => each !== "HEAD")
        .map((method) => [`${method} ${route.path}`, method, route] as const)
    : [],
);

let world: World;
let admin: Record<string, string>;
let lister: Record<string, string>;
let foreign: Record<string, string>;
const seen = new Map<string, unknown>();

beforeAll(async () => {
  world = await openWorld();
  const of = async (role: string, namespaces?: readonly string[]) => ({
    "x-api-key": await world.handed.of("key", role, namespaces),
  });
  admin = await of("admin");
  lister = await of("connector");
  foreign = await of("admin", ["elsewhere"]);
});
afterAll(() => world.close());

test("every route is documented, but the files of pages", () => {
  const without = routes.filter(({ documentation }) => !documentation).map(({ path }) => path);
  expect(without.toSorted()).toEqual(files.toSorted());
});

/** After all times of the samples. */
const NEW = 1_750_000_000_000;

/** The text of an answer that changes from call to call, made equal. */
function stable(text: string): string {
  return (
    shownText(text)
      .replaceAll(/"(key|token|text|pem|certificate|chain)":"[^"]{24,}"/g, '"$1":"…"')
      .replaceAll(/"id":"[A-Za-z0-9]{12}"/g, '"id":"2AZIDT3Qiprh"')
      .replaceAll(/key:[A-Za-z0-9]{12}/g, "key:4o3N024cHMAo")
      .replaceAll(/sha256:[0-9a-f]{64}/g, `sha256:${"0123456789abcdef".repeat(4)}`)
      .replaceAll(/(-----BEGIN [A-Z ]+-----\\n).*?(\\n-----END)/g, "$1…$2")
      // Times by the clock of this machine.
      .replaceAll(/"1[789]\d{11}"/g, (time) => (Number(time.slice(1, -1)) > NEW ? `"${NEW}"` : time))
  );
}

/** Of keys, which are made at the same instant, those that are listed first are not always the same. */
function sorted(answer: {
  readonly keys?: readonly { readonly name: string; readonly namespaces: readonly string[] }[];
}): unknown {
  return answer.keys
    ? {
        ...answer,
        keys: answer.keys
          .filter(({ name, namespaces: [first] }) => name === "ci" && first === "*")
          .slice(0, 1),
      }
    : answer;
}

describe.each(operations)("%s", (name, method, route) => {
  const { path, documentation, handler } = route;
  const needs = policy.get(handler.kind === "page" ? handler.asked : "");
  const isOpen = needs === "nothing" || needs === "a token";
  const isRead = method === "GET";
  const isRule = documentation !== undefined && "rpc" in documentation;
  const right = rightRequest(route);
  const failures = new Set<number>();

  function note({ text, type }: Got): void {
    if (!isRule || type !== "application/json") return;
    const answer = sorted(JSON.parse(stable(text)));
    seen.set(name, { ...(seen.get(name) as object), answer });
  }

  async function ask(
    port: number,
    asked: Asked,
    headers: Record<string, string> = {},
    ready: () => void = () => undefined,
  ): Promise<Got> {
    await prepare(world.well.plane);
    await prepare(world.plain.plane);
    ready();
    const got = await send(port, method, path, asked, headers);
    if (got.status >= 300) failures.add(got.status);
    if (got.status < 300) (await documentedAt(world.well.httpPort)).expectFits(method, plainPath(path), got);
    if (got.status >= 400 && needs !== "a token" && got.type.startsWith("application/problem"))
      expect(JSON.parse(got.text)).toMatchObject({
        status: got.status,
        error: { message: expect.any(String) },
      });
    expect(got.status, got.text).not.toBe(500);
    return got;
  }

  test("does what it says for who may", async () => {
    const got = await ask(world.well.httpPort, right, admin);
    const isJson = got.status === 200 && got.type === "application/json";
    seen.set(name, JSON.parse(shownText(JSON.stringify(right))));
    if (isJson) note(got);
    if (isRead && isJson && got.headers.get("etag")) {
      const again = await ask(world.well.httpPort, right, { ...admin, "if-none-match": "*" });
      expect(again.status).toBe(304);
    }
  });

  test.each(also[name] ?? [])("answers %o", async ({ status, plane, made, plain, headers, ...asked }) => {
    const at = plain ? world.plain : world.well;
    const follows = await made?.(world);
    const refused = async () => {
      throw new Fault("wrong_state", "its state does not allow it", { reason: "WRONG_STATE" });
    };
    const refuse = () => plane && Object.assign(at.plane, { [plane]: refused });
    try {
      const request = { ...right, ...asked, ...follows };
      const got = await ask(at.httpPort, request, { ...(plain ? {} : admin), ...headers }, refuse);
      expect(got.status, got.text).toBe(status);
      if (status === 200) note(got);
    } finally {
      if (plane) Reflect.deleteProperty(at.plane, plane);
    }
  });

  test("refuses what it does not know, by name", async () => {
    if (!isRule) return;
    const { query = {}, body } = right;
    const inQuery = await ask(world.well.httpPort, { ...right, query: { ...query, nonsense: "1" } }, admin);
    expect(inQuery).toMatchObject({ status: 400, text: expect.stringContaining("nonsense") });
    if (body === undefined) return;
    const inBody = await ask(world.well.httpPort, { ...right, body: { ...body, nonsense: 1 } }, admin);
    expect(inBody).toMatchObject({ status: 400, text: expect.stringContaining("nonsense") });
    for (const broken of ["{", "[]", "null", '"x"', "1", "\u0000", '{"a":'])
      expect((await ask(world.well.httpPort, { ...right, body: broken }, admin)).status, broken).toBe(400);
  });

  test("says of what is not there that it is not, and of what is another's the same", async () => {
    const names = JSON.stringify(unknownRequest(right)) !== JSON.stringify({ path: {}, query: {}, ...right });
    const unknown = await ask(world.well.httpPort, unknownRequest(right), admin);
    const others = await ask(world.well.httpPort, right, foreign);
    // Whose worker it is the plane decides, of which there is none here.
    const byPlane = path.startsWith("/v1/workers/{worker_id}");
    if (isRule && names && !byPlane && unknown.status === 404) expect([403, 404]).toContain(others.status);
    const isOffered = isRule || !documentation?.failures?.includes(501);
    expect(isOffered ? [500, 501, 502] : [500, 502]).not.toContain(unknown.status);
  });

  test("asks for a credential, and for its permission, before it reads the body", async () => {
    const [none, small] = [
      await ask(world.well.httpPort, { ...right, ...(right.body !== undefined && { body: "{" }) }),
      needs === "workers:connect" || needs === "metrics:read"
        ? undefined
        : await ask(
            world.well.httpPort,
            { ...right, ...(right.body !== undefined && { body: "{" }) },
            lister,
          ),
    ];
    if (isOpen) return;
    expect(none.status).toBe(401);
    if (small) expect(small.status).toBe(403);
  });

  test("reads go on while the server drains, and nothing is written", async () => {
    const got = await ask(world.drainingPort, right, admin);
    if (!isRead && !isOpen) {
      expect(got.status).toBe(503);
      expect(got.headers.get("retry-after")).toBe("1");
    }
  });

  test("says when to come again if there is too much to do", async () => {
    const got = await ask(world.overloaded.httpPort, right, admin);
    if (got.status === 503 && needs !== "a token") expect(got.headers.get("retry-after")).toBe("1");
  });

  test("what was seen is what is documented", () => {
    const answer = (seen.get(name) as { answer?: unknown } | undefined)?.answer;
    if (isRule)
      expect(answer === undefined, "an answer was seen, or is by another test").toBe(name in elsewhere);
    const all = [...failures].toSorted((a, b) => a - b);
    seen.set(name, { ...(seen.get(name) as object), failures: all });
  });
});

test("the records of what was seen are current", async () => {
  const file = fileURLToPath(new URL("../../../proto/taskrun/v1/rest.json", import.meta.url));
  const sorted = [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await expect(
    `${JSON.stringify(Object.fromEntries(sorted), undefined, 1)}\n`,
    "write it anew with -u",
  ).toMatchFileSnapshot(file);
});
