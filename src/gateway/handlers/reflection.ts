import {
  create,
  type DescFile,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { statusCodes } from "#wire/faults";
import * as v1 from "#wire/gen/grpc/reflection/v1/reflection_pb";
import * as v1alpha from "#wire/gen/grpc/reflection/v1alpha/reflection_pb";
import { bidiStreaming, type Rpc } from "../rpc.js";

type Question = v1.ServerReflectionRequest["messageRequest"];
type Init = Exclude<MessageInitShape<typeof v1.ServerReflectionResponseSchema>, v1.ServerReflectionResponse>;
type Answer = NonNullable<Init["messageResponse"]>;

/** Server reflection in both versions: gives the protos to tools that do not have them. */
export function reflectionService(services: readonly string[], files: readonly DescFile[]): readonly Rpc[] {
  const index = indexOf(files);
  const respond = (originalRequest: v1.ServerReflectionRequest) =>
    create(v1.ServerReflectionResponseSchema, {
      validHost: originalRequest.host,
      originalRequest,
      messageResponse: answerTo(originalRequest.messageRequest, services, index),
    });
  return [
    bidiStreaming(v1.ServerReflection.method.serverReflectionInfo, async function* (requests) {
      for await (const request of requests) yield respond(request);
    }),
    bidiStreaming(v1alpha.ServerReflection.method.serverReflectionInfo, async function* (requests) {
      for await (const request of requests) {
        const answer = respond(
          retold(v1alpha.ServerReflectionRequestSchema, v1.ServerReflectionRequestSchema, request),
        );
        yield retold(v1.ServerReflectionResponseSchema, v1alpha.ServerReflectionResponseSchema, answer);
      }
    }),
  ];
}

/** Converts a message to the other version, whose fields have the same numbers. */
function retold<From extends DescMessage, To extends DescMessage>(
  from: From,
  to: To,
  message: MessageShape<From>,
): MessageShape<To> {
  return fromBinary(to, toBinary(from, message));
}

/** Finds files by their name, and by the names of what they declare. */
interface Index {
  readonly byName: ReadonlyMap<string, DescFile>;
  readonly bySymbol: ReadonlyMap<string, DescFile>;
  /** Encoded files with their imports, by file; kept because encoding them takes milliseconds. */
  readonly encoded: Map<DescFile, Uint8Array[]>;
}

function indexOf(files: readonly DescFile[]): Index {
  const byName = new Map<string, DescFile>();
  const bySymbol = new Map<string, DescFile>();
  const addFile = (file: DescFile): void => {
    if (byName.has(`${file.name}.proto`)) return;
    byName.set(`${file.name}.proto`, file);
    for (const service of file.services) {
      bySymbol.set(service.typeName, file);
      for (const method of service.methods) bySymbol.set(`${service.typeName}.${method.name}`, file);
    }
    for (const { typeName } of file.enums) bySymbol.set(typeName, file);
    for (const message of file.messages) addMessage(message, file);
    for (const dependency of file.dependencies) addFile(dependency);
  };
  const addMessage = (message: DescMessage, file: DescFile): void => {
    bySymbol.set(message.typeName, file);
    for (const field of message.fields) bySymbol.set(`${message.typeName}.${field.name}`, file);
    for (const { typeName } of message.nestedEnums) bySymbol.set(typeName, file);
    for (const nested of message.nestedMessages) addMessage(nested, file);
  };
  for (const file of files) addFile(file);
  return { byName, bySymbol, encoded: new Map() };
}

function answerTo(question: Question, services: readonly string[], index: Index): Answer {
  const { byName, bySymbol } = index;
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    case "fileByFilename":
      return describe(index, byName.get(question.value), `file ${question.value}`);
    case "fileContainingSymbol":
      return describe(index, bySymbol.get(question.value), `symbol ${question.value}`);
    case "allExtensionNumbersOfType": {
      if (!bySymbol.has(question.value)) return unknown(`type ${question.value}`);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value } };
    }
    case "fileContainingExtension":
      return unknown(`extension ${question.value.extensionNumber} of ${question.value.containingType}`);
    case undefined: {
      const errorMessage = "the request asks nothing: set one of its fields.";
      return { case: "errorResponse", value: { errorCode: statusCodes.INVALID_ARGUMENT, errorMessage } };
    }
  }
}

function describe({ encoded }: Index, file: DescFile | undefined, what: string): Answer {
  if (!file) return unknown(what);
  const fileDescriptorProto = encoded.get(file) ?? encodeWithImports(file);
  encoded.set(file, fileDescriptorProto);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

/** A file with all that it imports, so that tools need no further requests. */
function encodeWithImports(file: DescFile): Uint8Array[] {
  const all = new Set<DescFile>();
  const add = (each: DescFile): void => {
    if (all.has(each)) return;
    all.add(each);
    for (const dependency of each.dependencies) add(dependency);
  };
  add(file);
  return [...all].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

function unknown(what: string): Answer {
  const errorMessage = `${what} is not known here; list_services names what is.`;
  return { case: "errorResponse", value: { errorCode: statusCodes.NOT_FOUND, errorMessage } };
}
