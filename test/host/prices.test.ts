import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { costOf } from "#domain/task/prices";
import { openPrices, readPrices } from "#host/prices";
import { limits } from "#limits/index";

const folder = mkdtempSync(join(tmpdir(), "prices-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const table = `
[models."claude-x"]
input = 3
output = "15"
cached_input = 0.3

[models.cheap]
input = 0.075
output = 0.000001
`;

test("a table says what models cost, in exact numbers; cached input costs as input unless it is named", async () => {
  const prices = await readPrices(table);
  expect(prices.get("claude-x")).toEqual({ input: 3_000_000n, output: 15_000_000n, cachedInput: 300_000n });
  expect(prices.get("cheap")).toEqual({ input: 75_000n, output: 1n, cachedInput: 75_000n });
  const used = { model: "claude-x", inputTokens: 10, outputTokens: 1, cachedTokens: 10, toolCalls: 0 };
  expect(costOf(used, prices)).toBe(18);
});

const problem = (text: string) => readPrices(text).then(String, (error: Error) => error.message);

test("what is wrong in it is named, with the way out", async () => {
  expect(await problem("[models.a]\ninput = 1\nouput = 2")).toBe(
    'models."a".ouput is unknown; did you mean output?',
  );
  expect(await problem("[model.a]\ninput = 1")).toBe("model is unknown; did you mean models?");
  expect(await problem("[models.a]\ninput = 1")).toContain('models."a".output is missing: write dollars');
  for (const wrong of ["-1", "1e-7", "0.1234567", '"1,5"', '"$2"', "inf", "nan", "true", "[]", '""']) {
    expect(await problem(`[models.a]\ninput = ${wrong}\noutput = 1`), wrong).toContain('models."a".input is');
  }
  expect(await problem("[models.a]\ninput = 1000001\noutput = 1")).toContain("at most 1000000");
  expect(await problem("models = 3")).toContain("models is no table");
  expect(await problem("[models]\na = 1")).toContain('models."a" is no table');
  const many = Array.from({ length: limits.pricedModels + 1 }, (_, i) => `[models.m${i}]\ninput=1\noutput=1`);
  expect(await problem(many.join("\n"))).toContain("at most 1000");
});

test("a file is named that is missing, too large or no TOML; no file is no price", async () => {
  const path = join(folder, "prices.toml");
  expect((await openPrices("")).size).toBe(0);
  await expect(openPrices(path)).rejects.toMatchObject({ code: "invalid", details: { field: "prices" } });
  writeFileSync(path, "[models");
  await expect(openPrices(path)).rejects.toThrow(path);
  writeFileSync(path, `# ${"x".repeat(limits.pricesBytes)}`);
  await expect(openPrices(path)).rejects.toThrow("bytes; at most");
  writeFileSync(path, table);
  expect((await openPrices(path)).size).toBe(2);
});
