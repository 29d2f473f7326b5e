import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { templateKey } from "#domain/template/template";
import { limits } from "#limits/index";
import { template } from "#testing/rows";
import {
  type ListTemplatesResponse,
  type RegisterTemplateResponse,
  TemplateService,
  type ValidateTemplateResponse,
} from "#wire/gen/taskrun/v1/template_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

const { register, get, list, validate } = TemplateService.method;

const text = (...lines: readonly string[]) =>
  ["name: fulfil", "namespace_name: orders", "version: 1.0.0", ...lines].join("\n");
const steps = ["steps:", "  - name: pack", "    handler: { callable: packer }"];

async function registered(source: string, namespace = ""): Promise<RegisterTemplateResponse | string> {
  const { answers, error } = await mount.call(register, [create(register.input, { source, namespace })]);
  if (error) return `${error.code} ${error.reason} ${error.fields.join()}: ${error.message}`;
  return answers[0] as RegisterTemplateResponse;
}

test("a template is registered once, and answered as it is the second time", async () => {
  const source = text(...steps);

  expect(await registered(source)).toMatchObject({
    created: true,
    template: { namespace: "orders", name: "fulfil", version: "1.0.0", stepCount: 1, source },
  });
  expect(await registered(`${source}\n# the same body`, "orders")).toMatchObject({
    created: false,
    template: { source },
  });
  expect(await registered(text(...steps, "    timeout_seconds: 5"))).toMatch(/^6 TEMPLATE_CONFLICT /);
});

test.each<[string, string, string, RegExp]>([
  [
    "an error",
    text("steps:", "  - name: pack", "    handler: { callable: packer }", "    dependencies: [gone]"),
    "",
    /^3 MISSING_DEP_REF source: source has an error at line 7, column 20: .*gone.* \(MISSING_DEP_REF\)\.$/,
  ],
  [
    "no text",
    " \n",
    "",
    /^3 INVALID source: source is required: send the YAML or JSON text of a template\.$/,
  ],
  [
    "too much text",
    `# ${"x".repeat(limits.templateBytes)}`,
    "",
    /^3 INVALID source: source is 1048578 bytes long; the limit is 1048576 bytes: make two templates of it\.$/,
  ],
  [
    "another namespace than asked for",
    text(...steps),
    "default",
    /^3 INVALID namespace: namespace is "default", but the text names "orders": /,
  ],
  [
    "a schema that is none",
    text("input_schema: { type: object, properties: { a: { type: text } } }", ...steps),
    "",
    /^3 BAD_SCHEMA source: source has an error: input_schema: this is no JSON Schema .* \(BAD_SCHEMA\)\.$/,
  ],
  [
    "a default that does not fit",
    text(
      "steps:",
      "  - name: approval",
      "    type: signal",
      "    signal: { timeout_ms: 5, default: { ok: 1 } }",
      "    result_schema: { type: object, properties: { ok: { type: boolean } } }",
    ),
    "",
    /^3 BAD_DEFAULT source: source has an error at line 7, column 39: steps\.approval\.signal\.default does not fit result_schema: \/ok must be boolean \(BAD_DEFAULT\)\.$/,
  ],
])("a text with %s is not registered", async (_, source, namespace, refused) => {
  expect(await registered(source, namespace)).toMatch(refused);
  expect(opened.plane.templates.size).toBe(0);
});

test("validation tells all that is wrong, the schemas too, and registers nothing", async () => {
  const ask = async (source: string) => {
    const { answers } = await mount.call(validate, [create(validate.input, { source })]);
    return answers[0] as ValidateTemplateResponse;
  };
  const schemas = ["    result_schema: { type: list }", "input_schema: { $ref: 'https://example.org/a' }"];
  const wrong = await ask(text(...steps, ...schemas));

  expect(await ask(text(...steps))).toMatchObject({ valid: true, stepCount: 1, hasCycles: false });
  expect(wrong).toMatchObject({ valid: false, stepCount: 1 });
  expect(wrong.findings.map(({ code, stepName }) => [code, stepName])).toEqual([
    ["BAD_SCHEMA", ""],
    ["BAD_SCHEMA", "pack"],
  ]);
  expect(await ask("name: [")).toMatchObject({ valid: false });
  expect(opened.plane.templates.size).toBe(0);
});

function keep(namespace: string, name: string, version: string, description = ""): void {
  const row = template(name, version, { namespace });
  const kept = { ...row, body: { ...row.body, description } };
  opened.plane.templates.set(templateKey(kept), kept);
}

async function page(fields: Record<string, unknown>): Promise<ListTemplatesResponse> {
  const { answers, error } = await mount.call(list, [create(list.input, fields)]);
  if (error) throw new Error(error.message);
  return answers[0] as ListTemplatesResponse;
}

test("pages of templates follow one another, by name, the newest version first", async () => {
  for (const version of ["1.0.0", "1.10.0", "1.9.0"]) keep("orders", "fulfil", version);
  keep("orders", "refund", "1.0.0");
  keep("default", "hello", "1.0.0");
  const seen: string[] = [];
  let pageToken = "";
  do {
    const { templates, nextPageToken } = await page({ pageSize: 2, pageToken });
    seen.push(templates.map(({ name, version }) => `${name}@${version}`).join(" "));
    expect(templates.every(({ source, bodyJson }) => source === "" && bodyJson === "")).toBe(true);
    pageToken = nextPageToken;
  } while (pageToken !== "");

  expect(seen).toEqual(["hello@1.0.0 fulfil@1.10.0", "fulfil@1.9.0 fulfil@1.0.0", "refund@1.0.0"]);
  expect((await page({ namespace: "orders", name: "refund" })).templates).toHaveLength(1);
  await expect(page({ pageToken: "Li4v" })).rejects.toThrow(
    "page_token is not understood: send the next_page_token of the page before, or nothing.",
  );
});

test("a page of long descriptions ends at 2 MiB, and leads on", async () => {
  for (let i = 0; i < 5; i += 1) keep("orders", "fulfil", `1.${i}.0`, "x".repeat(900 * 1024));
  const first = await page({});
  const second = await page({ pageToken: first.nextPageToken });

  expect(first.templates.map(({ version }) => version)).toEqual(["1.4.0", "1.3.0"]);
  expect(second.templates.map(({ version }) => version)).toEqual(["1.2.0", "1.1.0"]);
});

test("a template is read by version, or the newest, and one that is not there is refused by name", async () => {
  for (const version of ["1.0.0", "1.10.0", "1.9.0"]) keep("orders", "fulfil", version);
  const read = async (named?: Record<string, string>) => {
    const request = create(get.input, named ? { template: named } : {});
    const { answers, error } = await mount.call(get, [request]);
    return error ? `${error.code}: ${error.message}` : (answers[0] as { version?: string }).version;
  };

  expect(await read({ namespace: "orders", name: "fulfil" })).toBe("1.10.0");
  expect(await read({ namespace: "orders", name: "fulfil", version: "1.9.0" })).toBe("1.9.0");
  expect(await read({ namespace: "orders", name: "fulfil", version: "2.0.0" })).toBe(
    "5: Template not found: orders/fulfil@2.0.0; its versions are 1.10.0, 1.9.0, 1.0.0.",
  );
  expect(await read({ name: "fulfil" })).toBe("5: Template not found: default/fulfil; register it first.");
  expect(await read()).toBe("3: template is required: name the template, as TemplateService.List shows it.");
});
