import { Metadata } from "@grpc/grpc-js";
import { encodeStatus, headersOf, statusCodes } from "#wire/faults";
import type { Failure } from "../outcome.js";

/** The status of a failed call, as grpc-js takes it. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  /** Trailers for programs, with the encoded details. */
  readonly metadata: Metadata;
}

export function grpcStatus({ status, fault }: Failure): GrpcStatus {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", asBuffer(encodeStatus(fault)));
  for (const [name, value] of Object.entries(headersOf(fault))) metadata.set(name, value);
  return { code: statusCodes[status], details: fault.message, metadata };
}

/** The same bytes. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
