/** The OpenAPI document: that it is one, that it has everything, and that what it shows is true. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policy } from "#gateway/access/policy";
import type { OpenApiDocument } from "#gateway/openapi/document";
import { type Opened, open } from "../kit/open.js";

let opened: Opened;
let document: OpenApiDocument;
let tag: string;
const ask = (headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${opened.httpPort}/api-docs/openapi.json`, { headers });

beforeAll(async () => {
  opened = await open();
  const response = await ask();
  tag = response.headers.get("etag") ?? "";
  document = (await response.json()) as OpenApiDocument;
});
afterAll(() => opened.gateway.close(1_000));

interface Answer {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object; readonly example?: unknown }>>;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly object[];
  readonly "x-required-permission": string | null;
  readonly requestBody?: Answer;
  readonly responses: Readonly<Record<string, Answer>>;
}
const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method} ${path}`, operation as unknown as Operation] as const,
    ),
  );

test("it is a document of OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(document.openapi).toBe("3.1.0");
});

test("it is known by its tag, and asks nobody for a credential", async () => {
  const again = await ask({ "if-none-match": tag });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  expect((await ask({ "if-none-match": '"other"' })).status).toBe(200);
  expect(policy.get("/api-docs/openapi.json")).toBe("nothing");
});

test("each operation says what it needs, and has an example of what is sent and of what comes", () => {
  const ids = new Set<string>();
  for (const [name, operation] of operations()) {
    const { summary, operationId, responses, requestBody, security } = operation;
    expect(summary, name).toMatch(/\S/);
    expect(summary.length, name).toBeLessThan(200);
    ids.add(operationId);
    const needs = operation["x-required-permission"];
    expect(security.length > 0, name).toBe(needs !== null);
    for (const content of Object.values(requestBody?.content ?? {}))
      expect(content.example, name).toBeDefined();
    for (const [status, { content = {} }] of Object.entries(responses))
      for (const { schema } of Object.values(content)) expect(schema, `${name} ${status}`).toBeDefined();
    if (needs !== null)
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(["401", "default"]));
  }
  expect(ids.size).toBe(operations().length);
});

test("every example fits its schema", () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "document", ...(document as object) });
  for (const [name, { requestBody, responses }] of operations()) {
    for (const [status, { content = {} }] of [
      ...Object.entries(responses),
      ["request", requestBody ?? {}] as const,
    ]) {
      for (const { schema, example } of Object.values(content)) {
        if (!schema || example === undefined) continue;
        const text = JSON.stringify(schema).replaceAll('"#/components', '"document#/components');
        const fits = ajv.compile(JSON.parse(text));
        expect(fits(example), `${name} ${status}: ${ajv.errorsText(fits.errors)}`).toBe(true);
      }
    }
  }
});

test("all references lead somewhere, and no schema is there for nothing", () => {
  const text = JSON.stringify(document);
  const wanted = new Set(
    [...text.matchAll(/"#\/components\/(schemas|responses)\/([^"]+)"/g)].map(
      ([, kind, name]) => `${kind}/${name}`,
    ),
  );
  const { schemas, responses } = document.components as Record<string, object>;
  const there = [
    ...Object.keys(schemas ?? {}).map((name) => `schemas/${name}`),
    ...Object.keys(responses ?? {}).map((name) => `responses/${name}`),
  ];
  expect([...wanted].filter((each) => !there.includes(each))).toEqual([]);
  expect(there.filter((each) => !wanted.has(each) && each.startsWith("schemas"))).toEqual([]);
});
