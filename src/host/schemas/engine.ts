import type { Options } from "ajv/dist/2020.js";
import type { RE2JS } from "re2js";
import { linearPattern } from "./pattern.js";

/** Runs the patterns of a schema. */
export type PatternEngine = NonNullable<NonNullable<Options["code"]>["regExp"]>;

/** Loaded with the first pattern: loading takes as long as many CLI commands do in all. */
let loading: Promise<typeof RE2JS> | undefined;

/** Returns an engine that runs patterns in linear time where possible, and others by JavaScript's, which may not end. */
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
    // ajv distinguishes patterns by their text.
    return { test: (text: string) => matcher.test(text), toString: () => native.toString() };
  };
  return Object.assign(engine, { code: "new RegExp" });
}
