import { Fault } from "../fault.js";

/**
 * A number of a protocol with 64-bit integers as one that we count exactly.
 *
 * @throws {Fault} `invalid`, naming the field, if it is larger than that
 */
export function wholeNumber(value: bigint | number, field: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new Fault("invalid", `${field} is ${value}; send a number between -2^53 and 2^53.`, { field });
}
