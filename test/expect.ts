import { expect } from "vitest";

/**
 * Before each file of tests: a regular expression among what is expected stands for the texts that it matches. Vitest's
 * `toMatchObject` takes one for an object without members, which every value matches, so that such a test could not fail.
 */
expect.addEqualityTesters([
  (received: unknown, expected: unknown) => {
    if (!(expected instanceof RegExp) || received instanceof RegExp) return undefined;
    return typeof received === "string" && received.search(expected) >= 0;
  },
]);
