import type { Options } from "ajv/dist/2020.js";
import type { RE2JS } from "re2js";
import { linearPattern } from "./pattern.js";

/** What runs the patterns of a schema. */
export type PatternEngine = NonNullable<NonNullable<Options["code"]>["regExp"]>;

/** Loaded when the first pattern comes: that takes as long as many a command does in all. */
let loading: Promise<typeof RE2JS> | undefined;

/** Runs each pattern in linear time that can be, and any other as JavaScript does, which may take for ever. */
export async function patternEngine(): Promise<PatternEngine> {
  loading ??= import("re2js").then(({ RE2JS }) => RE2JS);
  const re2 = await loading;
  return engineOf((pattern) => {
    const linear = linearPattern(pattern);
    return linear && re2.compile(linear.source);
  });
}

/** For schemas without patterns. */
export const plainEngine: PatternEngine = engineOf(() => undefined);

interface Matcher {
  test(text: string): boolean;
}

function engineOf(linear: (pattern: string) => Matcher | undefined): PatternEngine {
  const engine = (pattern: string, flags: string) => {
    const native = new RegExp(pattern, flags);
    const matcher = linear(pattern) ?? native;
    // ajv knows two patterns apart by their text.
    return { test: (text: string) => matcher.test(text), toString: () => native.toString() };
  };
  return Object.assign(engine, { code: "new RegExp" });
}
