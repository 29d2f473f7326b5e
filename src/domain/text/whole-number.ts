import { Fault } from "../fault.js";

/**
 * Converts a 64-bit integer of a protocol to a number.
 *
 * @throws {Fault} `invalid`, naming the field, if a number cannot represent it exactly
 */
export function wholeNumber(value: bigint | number, field: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new Fault("invalid", `${field} is ${value}; send a number between -2^53 and 2^53.`, { field });
}
