import { execFileSync } from "node:child_process";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const root = new URL("../../", import.meta.url);

/**
 * What the protos of our package say of each message, field, enum, value, service and rpc, by its full name. Programs' descriptors
 * leave it out.
 */
export function protoComments(): Record<string, string> {
  const args = ["build", "proto", "--as-file-descriptor-set", "--path", "proto/taskrun", "-o", "-"];
  const bytes = execFileSync("node_modules/.bin/buf", args, { cwd: root, maxBuffer: 1 << 26 });
  const { file } = fromBinary(FileDescriptorSetSchema, bytes);
  const ours = file.filter((each) => each.package === "taskrun.v1");
  const all = ours.flatMap((each) => [...commentsOf(each)]);
  return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The numbers of fields of descriptors, of which the places of comments are made. */
const [MESSAGE, ENUM, SERVICE] = [4, 5, 6];
const [FIELD, NESTED, NESTED_ENUM] = [2, 3, 4];
const MEMBER = 2;

function* commentsOf(file: FileDescriptorProto): Generator<readonly [string, string]> {
  const names = new Map<string, string>();
  const scope = file.package;
  for (const [i, each] of file.messageType.entries()) nameMessage(names, each, [MESSAGE, i], scope);
  for (const [i, each] of file.enumType.entries()) nameEnum(names, each, [ENUM, i], scope);
  for (const [i, { name, method }] of file.service.entries()) {
    names.set(`${SERVICE},${i}`, `${scope}.${name}`);
    for (const [j, rpc] of method.entries())
      names.set(`${SERVICE},${i},${MEMBER},${j}`, `${scope}.${name}.${rpc.name}`);
  }
  for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? []) {
    const name = names.get(path.join());
    const text = leadingComments.replace(/^ /gm, "").trim();
    if (name !== undefined && text !== "") yield [name, text];
  }
}

function nameMessage(
  names: Map<string, string>,
  { name, field, nestedType, enumType }: DescriptorProto,
  path: readonly number[],
  scope: string,
): void {
  const whole = `${scope}.${name}`;
  names.set(path.join(), whole);
  for (const [i, each] of field.entries()) names.set([...path, FIELD, i].join(), `${whole}.${each.name}`);
  for (const [i, each] of nestedType.entries()) nameMessage(names, each, [...path, NESTED, i], whole);
  for (const [i, each] of enumType.entries()) nameEnum(names, each, [...path, NESTED_ENUM, i], whole);
}

function nameEnum(
  names: Map<string, string>,
  { name, value }: EnumDescriptorProto,
  path: readonly number[],
  scope: string,
): void {
  names.set(path.join(), `${scope}.${name}`);
  // Protobuf has the names of values beside their enum, not in it.
  for (const [i, each] of value.entries()) names.set([...path, MEMBER, i].join(), `${scope}.${each.name}`);
}
