import { fromBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { encodeStatus, headersOf, statusCodes } from "#wire/faults";
import { StatusSchema } from "#wire/gen/google/rpc/status_pb";
import type { Failure } from "../outcome.js";

/**
 * The error of a failed call in this process. It is made from the bytes that gRPC would send, so that a client reads the
 * same code, message and details from it.
 */
export function localError({ status, fault }: Failure): ConnectError {
  const code = statusCodes[status];
  const { message, details } = fromBinary(StatusSchema, encodeStatus(fault));
  const error = new ConnectError(message, code, { "grpc-status": String(code) });
  for (const [name, value] of Object.entries(headersOf(fault))) error.metadata.set(name, value);
  error.details = details.map(({ typeUrl, value }) => {
    return { type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value };
  });
  return error;
}
