import type { Parameters } from "../../rest/parameters.js";
import type { Slice } from "../shapes/pages.js";

/** The parameters of a list that is counted by offset. */
export const offsetNames = ["limit", "offset", "page_token"] as const;

/** @throws {Fault} `invalid`, naming the parameter */
export function sliceIn(parameters: Parameters, otherwise: number, most: number): Slice {
  return {
    limit: parameters.whole("limit", 1, most, otherwise),
    offset: parameters.whole("offset", 0, Number.MAX_SAFE_INTEGER, 0),
  };
}
