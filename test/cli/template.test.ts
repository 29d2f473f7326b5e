import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readTemplate } from "#templates/read/read";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import type { TemplateSchema } from "#wire/gen/taskrun/v1/template_service_pb";
import { Code, type FakePlane, fakePlane, refuse } from "../client/fake-plane.js";
import { type AddressedMessage, type Setting, taskrun } from "./fake-io.js";

const cwd = mkdtempSync(join(tmpdir(), "taskrun-cli-"));
const put = (name: string, text: string) => writeFileSync(join(cwd, name), text);

const flow = `name: flow
namespace_name: shop
version: 1.2.0
description: Takes an order.
steps:
  - name: first
    handler: { callable: worker }
  - name: second
    dependencies: [first]
    handler: { callable: worker }
`;
put("flow.yaml", flow);
put("broken.yaml", flow.replace("[first]", "[frist]"));
put("changed.yaml", flow.replaceAll("callable: worker", "callable: other"));
put("lonely.yaml", `${flow}  - name: third\n    handler: { callable: worker }\n`);

const known: MessageInitShape<typeof TemplateSchema> = {
  namespace: "shop",
  name: "flow",
  version: "1.2.0",
  description: "Takes an order.",
  stepCount: 2,
  registeredAtMs: 1_000n,
  digest: "d1",
};
let plane: FakePlane;
/** True once the flow is known to the plane. */
let registered = false;
/** How often the plane was asked to register one. */
let registrations = 0;
beforeEach(() => {
  registered = false;
});

beforeAll(async () => {
  plane = await fakePlane(
    {},
    {},
    {
      register({ source }) {
        registrations += 1;
        const { template, findings } = readTemplate(source);
        if (!template) refuse(Code.InvalidArgument, `source has an error: ${findings[0]?.message}`);
        if (source.includes("other")) {
          refuse(Code.AlreadyExists, "template shop/flow@1.2.0 is registered with another body (a: 1 → 2)");
        }
        const created = !registered;
        registered = true;
        return { template: { ...known, source }, created, findings: [...findings] };
      },
      validate({ source }) {
        const { template, findings } = readTemplate(source);
        return { valid: template !== undefined, findings: [...findings] };
      },
      get({ template }) {
        if (template?.name === "none") {
          const value = { reason: "TEMPLATE_NOT_FOUND" };
          const text = "Template not found: shop/none; register it first.";
          throw new ConnectError(text, Code.NotFound, undefined, [{ desc: ErrorInfoSchema, value }]);
        }
        const body = readTemplate(flow).template?.body;
        const { namespace = "", name = "", version = "" } = template ?? {};
        return { ...known, namespace, name, version, source: flow, bodyJson: JSON.stringify(body) };
      },
      list: ({ namespace, name }) => ({
        templates:
          name === "none" ? [] : [known, { ...known, namespace: namespace || "other", stepCount: 1 }],
      }),
    },
  );
});
afterAll(() => plane[Symbol.asyncDispose]());

const template = (words: readonly string[], setting: Setting = {}): Promise<AddressedMessage> =>
  taskrun(["template", ...words, "--addr", plane.addr], { cwd, ...setting });
const offline = (words: readonly string[], setting: Setting = {}): Promise<AddressedMessage> =>
  taskrun(["template", ...words], { cwd, ...setting });

test("apply says what it made, and what it found unchanged", async () => {
  expect(await template(["apply", "flow.yaml"])).toEqual({
    code: 0,
    stdout: "shop/flow@1.2.0 created\n",
    stderr: "",
  });
  expect(await template(["apply", "-"], { stdin: flow })).toEqual({
    code: 0,
    stdout: "shop/flow@1.2.0 unchanged\n",
    stderr: "",
  });
});

test("apply names all errors of a file and the difference to what is there, goes on with the others, and ends with 1", async () => {
  registered = true;
  const { code, stdout, stderr } = await template(["apply", "broken.yaml", "changed.yaml", "lonely.yaml"]);

  expect(code).toBe(1);
  expect(stdout).toBe("shop/flow@1.2.0 unchanged\n");
  expect(stderr.trim().split("\n")).toEqual([
    expect.stringMatching(/^broken\.yaml:9:\d+: error MISSING_DEP_REF .*frist/),
    "changed.yaml: refused: template shop/flow@1.2.0 is registered with another body (a: 1 → 2)",
    expect.stringMatching(/^lonely\.yaml:11:\d+: warning ORPHAN_STEP /),
  ]);
});

test("apply --json is a line a file", async () => {
  registered = true;
  const { code, stdout } = await template(["apply", "flow.yaml", "changed.yaml", "broken.yaml", "--json"]);

  expect(code).toBe(1);
  const lines = stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { file: "flow.yaml", outcome: "unchanged", namespace: "shop", name: "flow", version: "1.2.0" },
    { file: "changed.yaml", outcome: "refused", error: { code: "ALREADY_EXISTS" }, findings: [] },
    {
      file: "broken.yaml",
      outcome: "refused",
      findings: [{ code: "MISSING_DEP_REF", severity: "error", stepName: "second", line: 9 }, {}, {}, {}],
    },
  ]);
});

test("nothing is registered if a file cannot be read", async () => {
  const before = registrations;
  const { code, stderr } = await template(["apply", "flow.yaml", "none.yaml"]);

  expect(code).toBe(2);
  expect(stderr).toContain("none.yaml cannot be read");
  expect(registrations).toBe(before);
  expect((await template(["apply", "-", "-"])).code).toBe(2);
});

test("validate needs no server, and says all there is to say where it is", async () => {
  const good = await offline(["validate", "flow.yaml"]);
  const bad = await offline(["validate", "broken.yaml", "-"], { stdin: flow.replace("1.2.0", "one") });

  expect(good).toMatchObject({ code: 0, stderr: "" });
  expect(good.stdout).toMatch(/^flow\.yaml:\d+:\d+: info NO_RESULT_SCHEMA /);
  expect(good.stdout).toMatch(/^flow\.yaml: shop\/flow@1\.2\.0 is valid, 2 steps$/m);
  expect(bad.code).toBe(1);
  expect(bad.stdout).toMatch(/^broken\.yaml:9:\d+: error MISSING_DEP_REF /);
  expect(bad.stdout).toMatch(/^<stdin>:3:10: error BAD_VERSION /m);
  expect(bad.stdout).not.toContain("is valid");
});

test("validate looks into schemas as the server does", async () => {
  put("schema.yaml", flow.replace("steps:", "input_schema: { type: object, required: 7 }\nsteps:"));
  const { code, stdout } = await offline(["validate", "schema.yaml"]);

  expect(code).toBe(1);
  expect(stdout).toMatch(/^schema\.yaml: error BAD_SCHEMA input_schema: /);
});

test("validate --json is a line a file", async () => {
  const { code, stdout } = await offline(["validate", "flow.yaml", "broken.yaml", "--json"]);
  const lines = stdout.trim().split("\n");

  expect(code).toBe(1);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { file: "flow.yaml", valid: true, stepCount: 2, hasCycles: false },
    { file: "broken.yaml", valid: false, findings: [{ code: "MISSING_DEP_REF", line: 9 }, {}, {}, {}] },
  ]);
});

test("list is a table for people, and lines for programs", async () => {
  expect((await template(["list"])).stdout).toMatchInlineSnapshot(`
    "TEMPLATE    VERSION  STEPS  REGISTERED  DESCRIPTION
    shop/flow   1.2.0    2      1m 00s ago  Takes an order.
    other/flow  1.2.0    1      1m 00s ago  Takes an order.
    "
  `);
  const lines = (await template(["list", "--json", "--limit", "1"])).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ name: "flow", registeredAtMs: 1_000 }]);
  expect((await template(["list", "--namespace", "mine"])).stdout).toContain("mine/flow");
  expect(await template(["list", "--name", "none"])).toEqual({
    code: 0,
    stdout: "",
    stderr: "There are no matching templates; `npx taskrun template apply FILE` registers one.\n",
  });
});

test("get prints the text as it was registered; namespace and version may be left out", async () => {
  expect(await template(["get", "shop/flow@1.2.0"])).toEqual({ code: 0, stdout: flow, stderr: "" });

  const named = async (...words: string[]) => {
    const { namespace, name, version, body } = JSON.parse(
      (await template(["get", "--json", ...words])).stdout,
    );
    expect(body.steps).toHaveLength(2);
    return `${namespace}/${name}@${version}`;
  };
  expect(await named("shop/flow@1.0.0-rc.1+b")).toBe("shop/flow@1.0.0-rc.1+b");
  expect(await named("shop/flow")).toBe("shop/flow@");
  expect(await named("flow", "--namespace", "mine")).toBe("mine/flow@");
  expect((await template(["get", "a/b/c"])).code).toBe(2);
});

test("a template that is not there ends with 4 and is followed by the list that shows what is", async () => {
  const { code, stderr } = await template(["get", "shop/none"]);

  expect(code).toBe(4);
  expect(stderr).toMatch(/^ {2}`npx taskrun template list` lists/m);
});

test("visualize draws a file without a server, and a registered template", async () => {
  const file = await offline(["visualize", "flow.yaml"]);

  expect(file.code).toBe(0);
  expect(file.stdout).toMatch(/^flowchart TD\n {2}%% shop\/flow@1\.2\.0\n/);
  expect((await template(["visualize", "shop/flow@1.2.0"])).stdout).toBe(file.stdout);
  expect(
    (await offline(["visualize", "-"], { stdin: readFileSync(join(cwd, "flow.yaml"), "utf8") })).stdout,
  ).toBe(file.stdout);
  expect(JSON.parse((await offline(["visualize", "flow.yaml", "--json"])).stdout)).toEqual({
    namespace: "shop",
    name: "flow",
    version: "1.2.0",
    mermaid: file.stdout,
  });
});

test("visualize of a file that is no template says why, and draws nothing", async () => {
  const { code, stdout, stderr } = await offline(["visualize", "broken.yaml"]);

  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^broken\.yaml:9:\d+: error MISSING_DEP_REF .*\n$/);
  expect((await offline(["visualize", "none.yaml"])).code).toBe(2);
});
