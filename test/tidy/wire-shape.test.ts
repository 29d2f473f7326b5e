import { readFile } from "node:fs/promises";
import {
  createFileRegistry,
  type DescField,
  type DescFile,
  type DescMethod,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { file_taskrun_v1_common as common } from "#wire/gen/taskrun/v1/common_pb";
import { file_taskrun_v1_node_service as nodeService } from "#wire/gen/taskrun/v1/node_service_pb";
import { file_taskrun_v1_run_service as runService } from "#wire/gen/taskrun/v1/run_service_pb";
import { file_taskrun_v1_task_service as taskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { file_taskrun_v1_template_service as templateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { file_taskrun_v1_worker_service as workerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import { publicProtocol } from "./wire-public.js";

const generated = [common, nodeService, runService, taskService, templateService, workerService];
const image = new URL("../../proto/public.binpb", import.meta.url);

/** Public messages use numbers below this one; what we add to them starts here. */
const OURS_FROM = 100;

/** What a block of the table, or a described type, lists: members by the "kind Name" that holds them. */
type Table = ReadonlyMap<string, readonly string[]>;

const promised: Table = new Map(
  publicProtocol
    .trim()
    .split(/\n+(?=\S)/)
    .map((block) => {
      const [head = "", ...members] = block.split("\n");
      return [head, members.join(" ").trim().split(/,\s+/)] as const;
    }),
);

function elementType(field: DescField): string {
  if (field.message) return field.message.name;
  if (field.enum) return field.enum.name;
  return field.scalar === undefined ? "none" : ScalarType[field.scalar].toLowerCase();
}

function describeField(field: DescField): string {
  const mark = field.fieldKind === "list" ? "*" : field.proto.proto3Optional ? "?" : "";
  const type =
    field.fieldKind === "map"
      ? `map<${ScalarType[field.mapKey].toLowerCase()},${elementType(field)}>`
      : elementType(field);
  const arm = field.oneof ? `${field.oneof.name}.` : "";
  return `${field.number} ${type}${mark} ${arm}${field.name}`;
}

function describeRpc({ name, methodKind, input, output }: DescMethod): string {
  const commands = methodKind === "client_streaming" || methodKind === "bidi_streaming" ? "stream " : "";
  const answers = methodKind === "server_streaming" || methodKind === "bidi_streaming" ? "stream " : "";
  return `${name} ${commands}${input.name} -> ${answers}${output.name}`;
}

type Numbered = Pick<DescField, "number">;

/** All types of the files, with only those fields of their messages and values of their enums that `wanted` keeps. */
function describe(files: Iterable<DescFile>, wanted: (member: Numbered) => boolean): Table {
  const table = new Map<string, readonly string[]>();
  for (const file of files) {
    for (const { name, values } of file.enums) {
      table.set(
        `enum ${name}`,
        values.filter(wanted).map((value) => `${value.number} ${value.name}`),
      );
    }
    for (const { name, fields } of file.messages) {
      const byNumber = fields.filter(wanted).toSorted((one, other) => one.number - other.number);
      table.set(`message ${name}`, byNumber.map(describeField));
    }
    for (const { name, methods } of file.services) {
      table.set(`service ${name}`, methods.map(describeRpc));
    }
  }
  return table;
}

const isPublic = ({ number }: Numbered) => number < OURS_FROM;

test("the generated code has every public type with exactly its public members below 100", () => {
  const described = describe(generated, isPublic);

  for (const [type, members] of promised) {
    // A service may gain rpcs of ours, after the public ones.
    const found = described.get(type) ?? [];
    expect.soft(type.startsWith("service") ? found.slice(0, members.length) : found, type).toEqual(members);
  }
});

test("the image that buf compares with is the public protocol and nothing else", async () => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(image)));
  const described = describe(registry.files, () => true);

  expect(Object.fromEntries(described)).toEqual(Object.fromEntries(promised));
});

test("what we add to a public message has a number from 100 up", () => {
  const added = describe(generated, (field) => !isPublic(field));
  const changed = [...added].filter(([type, members]) => type.startsWith("message") && members.length > 0);

  expect(changed.length).toBeGreaterThan(0);
  for (const [type] of changed) expect.soft(promised.has(type), `${type} is ours: number from 1`).toBe(true);
});

test("a client that has only proto/taskrun and the well-known types can resolve every import", () => {
  const imports = generated.flatMap((file) => file.dependencies.map((imported) => `${imported.name}.proto`));

  expect(imports.length).toBeGreaterThan(0);
  for (const name of imports) expect.soft(name).toMatch(/^(taskrun\/v1|google\/protobuf)\/\w+\.proto$/);
});

test("numbers that count or measure have the type that their name promises", () => {
  const types: readonly (readonly [RegExp, string])[] = [
    [/_ms$/, "int64"],
    [/^(next_|after_)?seq$/, "uint64"],
    [/ordinal$/, "uint64"],
    [/^fence$/, "uint32"],
    [/^priority$/, "sint32"],
  ];
  const fields = generated.flatMap((file) => file.messages).flatMap((message) => message.fields);

  for (const field of fields) {
    const type = types.find(([name]) => name.test(field.name))?.[1];
    if (type) expect.soft(elementType(field), `${field.parent.name}.${field.name}`).toBe(type);
  }
});
