import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { StatusSchema } from "#wire/gen/google/rpc/status_pb";
import type { Opened } from "./open.js";
import { rawAnswer } from "./raw-call.js";

/** A message with its prefix. */
export const framed = (bytes: string | Buffer, flags = 0) => {
  const content = Buffer.from(bytes as string);
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
};

/** A protocol on a listener: how its requests look, by the path of the rpc. */
export interface Way {
  readonly name: string;
  readonly listener: "grpcPort" | "httpPort";
  readonly type: string;
  readonly path: string;
  readonly isJson: boolean;
  readonly isFramed: boolean;
}

export const way = (listener: "grpcPort" | "httpPort", type: string, path: string): Way => ({
  name: `${listener} ${type} ${path.split("/").at(-1)}`,
  listener,
  type,
  path,
  isJson: type.endsWith("json"),
  isFramed: !/\/(json|proto)$/.test(type),
});

/** The end of a call, read from whatever place its protocol puts it. */
export async function sent(
  opened: Opened,
  { listener, type, path }: Way,
  body: Buffer,
  { headers = {}, open = false }: { headers?: Record<string, string>; open?: boolean } = {},
): Promise<End> {
  const answer = await rawAnswer(opened[listener], path, body, { "content-type": type, ...headers }, open);
  return endOf(type, answer.headers, answer.body);
}

export interface End {
  readonly code: string | number;
  readonly reason: string | undefined;
  readonly message: string;
  readonly fields: readonly string[];
}

function endOf(type: string, headers: Record<string, unknown>, body: Buffer): End {
  if (type.includes("grpc")) {
    const text = body.toString("latin1");
    const of = (name: string) => headers[name] ?? new RegExp(`${name}: ?([^\r\n]*)`).exec(text)?.[1];
    const status = fromBinary(StatusSchema, Buffer.from(String(of("grpc-status-details-bin")), "base64"));
    const details = status.details;
    const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean);
    const bad = details.map((any) => anyUnpack(any, BadRequestSchema)).find(Boolean);
    return {
      code: Number(of("grpc-status")),
      reason: info?.reason,
      message: decodeURIComponent(String(of("grpc-message"))),
      fields: bad?.fieldViolations.map(({ field }) => field) ?? [],
    };
  }
  const json = type.includes("connect+") ? lastFrame(body) : body.toString();
  const parsed = JSON.parse(json);
  const { code, message, details } = parsed.error ?? parsed;
  const of = (name: string) => details?.find((each: { type: string }) => each.type === `google.rpc.${name}`);
  return {
    code,
    reason: of("ErrorInfo")?.debug?.reason,
    message,
    fields: of("BadRequest")?.debug?.fieldViolations?.map(({ field }: { field: string }) => field) ?? [],
  };
}

function lastFrame(body: Buffer): string {
  let at = 0;
  let last = "";
  while (at < body.length) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    last = body.subarray(at + 5, end).toString();
    at = end;
  }
  return last;
}
