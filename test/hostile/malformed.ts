/** Requests of HTTP that are wrong in some way, made of what a server's own document says of its operations. */

import { Chance } from "./chance.js";

/** The parts of an OpenAPI document that are looked at. */
export interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

interface DescribedOperation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
}

export interface Malformed {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

interface Known {
  readonly method: string;
  readonly path: string;
  readonly names: readonly string[];
  readonly example: unknown;
}

/**
 * Requests without end, the same for the same seed. What would be done, if it were understood, has a body that is not: it is for the
 * server to refuse it, and not to do it.
 */
export function* malformed({ paths }: Described, seed: number): Generator<Malformed, never> {
  const known = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]): Known => {
      const names = parameters.filter((each) => each.in === "query").map(({ name }) => name);
      return {
        method: method.toUpperCase(),
        path,
        names,
        example: requestBody?.content["application/json"]?.example,
      };
    }),
  );
  const chance = new Chance(seed);
  for (;;) yield requestOf(chance.of(known), chance);
}

function requestOf({ method, path, names, example }: Known, chance: Chance): Malformed {
  const filled = path.replaceAll(/\{[^}]*\}/g, () =>
    chance.one(3) ? chance.of(SEGMENTS) : `none-${chance.below(1e6)}`,
  );
  const asked = chance.one(20) ? chance.of(METHODS) : method;
  const isWrite = asked !== "GET" && asked !== "DELETE";
  const body = isWrite ? bodyOf(example, chance) : chance.one(10) ? "{}" : undefined;
  // Node sends no length of its own with methods that have no body by custom.
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const headers = {
    ...length,
    ...(body !== undefined && { "content-type": chance.one(5) ? chance.of(TYPES) : "application/json" }),
  };
  for (let i = chance.below(4); i > 0; i--) Object.assign(headers, Object.fromEntries([chance.of(HEADERS)]));
  return { method: asked, path: `${filled}${queryOf(names, chance)}`, headers, body };
}

function queryOf(names: readonly string[], chance: Chance): string {
  if (chance.one(3)) return "";
  const count = chance.one(50) ? 300 : 1 + chance.below(4);
  const name = () => (names.length > 0 && !chance.one(3) ? chance.of(names) : chance.of(NAMES));
  return `?${Array.from({ length: count }, () => `${name()}=${chance.of(VALUES)}`).join("&")}`;
}

/** Its example with something that cannot be read, or with a field that there is not. */
function bodyOf(example: unknown, chance: Chance): string {
  const text = JSON.stringify(example ?? {});
  switch (chance.below(6)) {
    case 0:
      return text.slice(0, chance.below(text.length));
    case 1:
      return chance.of(BODIES);
    case 2: {
      const at = chance.below(text.length);
      return `${text.slice(0, at)}${chance.of(["\0", "\\", '"', "{", "]", "\\ud800", "é"])}${text.slice(at + 1)}#`;
    }
    default: {
      const fields = Object.entries(Object(example) as object);
      const wrong = fields.map(
        ([name, value]) =>
          `${JSON.stringify(name)}:${chance.one(2) ? chance.of(JSONS) : JSON.stringify(value)}`,
      );
      return `{${['"nonsense":1', ...wrong].join(",")}}`;
    }
  }
}

const deep = (times: number) => `${"[".repeat(times)}${"]".repeat(times)}`;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];
const SEGMENTS = [
  "%00",
  "%ff",
  "%E0%A4",
  "..%2f..",
  "%2e%2e",
  "__proto__",
  "constructor",
  "%",
  "a%0d%0ab",
  "é".repeat(3),
  "x".repeat(400),
  "%F0%9F%92%A9",
  "{id}",
  "*",
  "none:cancel:cancel",
  "-1",
  "%20",
]
  .map(encodeURI)
  .map((each) => each.replaceAll("%25", "%"));
const NAMES = [
  "nonsense",
  "__proto__",
  "constructor.prototype",
  "labels[a]",
  "labels[__proto__]",
  "labels[",
  "a.b.c.d.e",
  "template",
  "template.name",
  "page_token",
  "page_size",
  "limit",
  "after",
  "access_token",
  "",
  "%ff",
  "scope.kind",
  "%5B%5D",
];
const VALUES = [
  "",
  "-1",
  "1e999",
  "99999999999999999999",
  "NaN",
  "true",
  "null",
  "%00",
  "%ff%fe",
  "%E0%A4%A",
  "x".repeat(300),
  "PENDING",
  "TASK_STATE_",
  "0x10",
  "+",
  "%7B%7D",
  "1&1",
  "'; drop table tasks; --",
].map((each) => each.replaceAll(" ", "%20"));
const JSONS = [
  "null",
  "{}",
  "[]",
  "1e999",
  "-0",
  "true",
  '""',
  '"\\ud800"',
  "99999999999999999999",
  '{"__proto__":{}}',
  deep(40),
  '"é"',
  "[null]",
  '{"case":1}',
];
const BODIES = [
  "",
  "{",
  "null",
  "[]",
  '"x"',
  "1",
  "\u0000",
  "{}{}",
  '{"a":1,"a":2}',
  "\ufeff{}",
  deep(5_000),
  `{"nonsense":"${"x".repeat(70_000)}"}`,
  `{${'"":{'.repeat(2_000)}`,
  "<xml/>",
  "a=1&b=2",
];
const TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/json; charset=utf-16",
  "multipart/form-data",
  "application/grpc-web+proto",
  "application/proto",
  "é".normalize("NFC"),
  "application/problem+json",
].filter((each) => /^[\x20-\x7e]*$/.test(each));
const HEADERS: readonly (readonly [string, string])[] = [
  ...(["content-encoding"] as const).flatMap((name) =>
    ["gzip", "br", "x, y"].map((value) => [name, value] as const),
  ),
  ...["*", '"', "W/", `${'"x",'.repeat(200)}`].map((value) => ["if-none-match", value] as const),
  ...["", "x".repeat(3_000), "a b", "k"].map((value) => ["idempotency-key", value] as const),
  ...["Bearer", "Bearer x", "Basic YTpi", `Bearer ${"y".repeat(9_000)}`].map(
    (value) => ["authorization", value] as const,
  ),
  ...["", "k", "x".repeat(9_000)].map((value) => ["x-api-key", value] as const),
  ...["image/png", "application/json", "*/*;q=x"].map((value) => ["accept", value] as const),
  ...["https://evil.example", "null", "http://localhost:1"].map((value) => ["origin", value] as const),
  ...["00-0-0-0", "x".repeat(500)].map((value) => ["traceparent", value] as const),
];
