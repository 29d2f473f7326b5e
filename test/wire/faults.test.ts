import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { Fault, type FaultCode, faults } from "#domain/fault";
import { millis } from "#domain/time/time";
import { encodeStatus, retryAfterOf, statusCodes, statusOf } from "#wire/faults";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { StatusSchema } from "#wire/gen/google/rpc/status_pb";

test("every way to fail has its code on the wire, and says whether to try again", () => {
  const table = (Object.keys(faults) as FaultCode[]).map((code) => {
    const fault = new Fault(code, "");
    return `${code.padEnd(14)} ${statusOf(fault).padEnd(19)} ${retryAfterOf(fault)}`;
  });

  expect(`\n${table.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    invalid        INVALID_ARGUMENT    0
    not_found      NOT_FOUND           0
    key_conflict   ALREADY_EXISTS      0
    template_conflict ALREADY_EXISTS      0
    wrong_state    FAILED_PRECONDITION 0
    cursor_expired OUT_OF_RANGE        0
    cursor_ahead   OUT_OF_RANGE        0
    overloaded     RESOURCE_EXHAUSTED  1000
    disk_full      RESOURCE_EXHAUSTED  1000
    unavailable    UNAVAILABLE         1000
    too_slow       DEADLINE_EXCEEDED   1000
    conflict       ABORTED             0
    not_offered    UNIMPLEMENTED       0
    unauthenticated UNAUTHENTICATED     0
    denied         PERMISSION_DENIED   0
    internal       INTERNAL            0
    "
  `);
});

test("a stream that stays silent is ended because its time is up", () => {
  expect(statusOf(new Fault("too_slow", "no hello"))).toBe("DEADLINE_EXCEEDED");
});

test("a failure's details are what programs need: reason, field, facts and when to come back", () => {
  const fault = new Fault("overloaded", "labels has 65 entries", {
    field: "labels",
    reason: "QUEUE_FULL",
    retryAfter: millis(2_500),
    metadata: { waiting: "100000" },
  });
  const { code, message, details } = fromBinary(StatusSchema, encodeStatus(fault));
  const schemas = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema] as const;
  const unpacked = details.map((any, i) => anyUnpack(any, schemas[i] ?? ErrorInfoSchema));

  expect({ code, message }).toEqual({
    code: statusCodes.RESOURCE_EXHAUSTED,
    message: "labels has 65 entries",
  });
  expect(unpacked).toMatchObject([
    { reason: "QUEUE_FULL", domain: "taskrun", metadata: { waiting: "100000" } },
    { fieldViolations: [{ field: "labels", description: "labels has 65 entries" }] },
    { retryDelay: { seconds: 2n, nanos: 500_000_000 } },
  ]);
});
