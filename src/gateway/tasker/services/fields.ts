import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { PaginationRequest } from "#wire/gen/tasker/v1/common_pb";
import type { Slice } from "../shapes/pages.js";
import { wordOf } from "./enums.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id as it is stored. @throws {Fault} `invalid`, naming the field, if it is no UUID */
export function uuidIn(field: string, text: string): string {
  const uuid = text.toLowerCase();
  if (UUID.test(uuid)) return uuid;
  const is = text === "" ? "is required" : `is ${JSON.stringify(text.slice(0, 64))}, which is no UUID`;
  throw invalid(field, `${is}: send one as an answer of this server has it.`, "INVALID_UUID");
}

/** The part of a list that is asked for. @throws {Fault} `invalid`, naming the field */
export function sliceIn(
  { limit, offset = 0 }: Partial<Pick<PaginationRequest, "limit" | "offset">>,
  bounds: { readonly otherwise: number; readonly most: number; readonly within?: string },
): Slice {
  const { otherwise, most, within = "" } = bounds;
  const size = limit ?? otherwise;
  if (size < 1 || size > most) {
    throw invalid(`${within}limit`, `is ${size}; send 1 to ${most}, or leave it out for ${otherwise}.`);
  }
  if (offset < 0) throw invalid(`${within}offset`, `is ${offset}; send 0 or more.`);
  return { limit: size, offset };
}

/** How much of a list of Tasks may be asked for. */
export const pagination = {
  otherwise: limits.taskerPageDefault,
  most: limits.taskerPageMax,
  within: "pagination.",
} as const;

/** The word of an enum's number. @throws {Fault} `invalid`, naming the field, for a number that has none */
export function wordIn<Word extends string>(
  field: string,
  words: Readonly<Record<Word, number>>,
  number: number,
): Word {
  const word = wordOf(words, number);
  if (word !== undefined) return word;
  throw invalid(field, `is ${number}; it is one of ${Object.keys(words).join(", ")}.`);
}

/** Refuses what would be lost. @throws {Fault} `invalid` unless the object is absent or empty */
export function refuseContent(field: string, object: object | undefined, advice: string): void {
  if (object === undefined || Object.keys(object).length === 0) return;
  throw invalid(field, `is not kept: ${advice}`);
}

export function invalid(field: string, says: string, reason?: string): Fault {
  return new Fault("invalid", `${field} ${says}`, { field, ...(reason !== undefined && { reason }) });
}
