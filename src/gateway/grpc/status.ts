import { Metadata } from "@grpc/grpc-js";
import { encodeStatus, statusCodes } from "#wire/faults";
import type { Failure } from "../outcome.js";

/** How a call fails, in the words of gRPC. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  /** What programs are told beside the details. */
  readonly metadata: Metadata;
}

export function grpcStatus({ status, fault }: Failure): GrpcStatus {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", asBuffer(encodeStatus(fault)));
  return { code: statusCodes[status], details: wellFormed(fault.message), metadata };
}

/** The same bytes. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Half a surrogate pair, for example from a request that is quoted, cannot be sent: grpc-js would throw. */
function wellFormed(message: string): string {
  return /\p{Surrogate}/u.test(message) ? Buffer.from(message).toString() : message;
}
