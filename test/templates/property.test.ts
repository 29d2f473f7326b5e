import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { backoffs } from "#domain/task/retry";
import type { TemplateBody, TemplateStep } from "#domain/template/template";
import { readTemplate } from "#templates/index";

/** The names each step depends on, by its place: any graph, circles and all. */
const graph = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc.array(fc.uniqueArray(fc.nat({ max: size - 1 }), { maxLength: 3 }), {
    minLength: size,
    maxLength: size,
  }),
);

function bodyOf(rows: readonly (readonly number[])[]): TemplateBody {
  const steps = rows.map(
    (before, i): TemplateStep => ({
      name: `s${i}`,
      handler: { callable: "x" },
      dependencies: before.map((other) => `s${other}`),
    }),
  );
  return { name: "any", namespace_name: "x", version: "1.0.0", steps };
}

/** A graph has a circle if some of it is left when what waits for nothing is taken out again and again. */
function hasCircle(rows: readonly (readonly number[])[]): boolean {
  const left = new Map(rows.map((before, i) => [i, before]));
  for (let free = [...left.keys()]; free.length > 0; ) {
    free = [...left].filter(([, before]) => before.every((other) => !left.has(other))).map(([i]) => i);
    for (const i of free) left.delete(i);
  }
  return left.size > 0;
}

test("a cycle is found if and only if there is one, and the one named is one", () => {
  fc.assert(
    fc.property(graph, (rows) => {
      const { findings, hasCycles, template } = readTemplate(JSON.stringify(bodyOf(rows)));
      expect(hasCycles).toBe(hasCircle(rows));
      expect(template === undefined).toBe(hasCircle(rows));

      for (const { code, message } of findings) {
        if (code !== "CYCLE_DETECTED") continue;
        const names = /: (.*);/.exec(message)?.[1]?.split(" → ") ?? [];
        expect(names.length).toBeGreaterThan(2);
        expect(names[0]).toBe(names.at(-1));
        for (const [i, name] of names.slice(0, -1).entries()) {
          const next = Number(names[i + 1]?.slice(1));
          expect(rows[Number(name.slice(1))]).toContain(next);
        }
      }
    }),
    { numRuns: 400 },
  );
});

const words = fc.string({ unit: "grapheme", maxLength: 12 });
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)));
/** Written plainly, as the library does, the key `<<` would be a merge key. */
const object = fc
  .dictionary(words, json, { maxKeys: 4 })
  .filter((value) => !JSON.stringify(value).includes('"<<":'));

/** Any valid template of standard steps, with whatever its authors may put into it. */
const valid: fc.Arbitrary<TemplateBody> = fc
  .array(
    fc.record(
      {
        description: words,
        config: object,
        retry: fc.record(
          {
            max_attempts: fc.integer({ min: 1, max: 100 }),
            max_losses: fc.integer({ min: 0, max: 100 }),
            backoff: fc.constantFrom(...backoffs),
            backoff_base_ms: fc.nat({ max: 86_400_000 }),
            jitter: fc.double({ min: 0, max: 1, noNaN: true }),
            retryable: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
        timeout_seconds: fc.integer({ min: 1, max: 86_400 }),
        result_schema: object,
        back: fc.nat({ max: 20 }),
      },
      { requiredKeys: ["config", "back"] },
    ),
    { minLength: 1, maxLength: 6 },
  )
  .chain((parts) => {
    const steps = parts.map(
      ({ config, back, ...rest }, i): TemplateStep => ({
        name: `s${i}`,
        handler: { callable: "x", initialization: config },
        ...(i > 0 && { dependencies: [`s${back % i}`] }),
        ...rest,
      }),
    );
    return fc
      .record({ description: words, metadata: object }, { requiredKeys: [] })
      .map((rest): TemplateBody => ({ name: "any", namespace_name: "x", version: "1.0.0", ...rest, steps }));
  });

test("a body written as YAML or as JSON is read as what it was, with one digest", () => {
  fc.assert(
    fc.property(valid, (body) => {
      // What has no name of its own in `metadata` is free; what has one must be what it should.
      const { author, tags, documentation_url, created_at, updated_at, ...metadata } = body.metadata ?? {};
      const whole = { ...body, metadata };
      const [yaml, text] = [stringify(whole), JSON.stringify(whole)].map(readTemplate);
      expect(yaml?.findings.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(yaml?.template?.body).toEqual(whole);
      expect(yaml?.template?.digest).toBe(text?.template?.digest);
    }),
    { numRuns: 200 },
  );
});
