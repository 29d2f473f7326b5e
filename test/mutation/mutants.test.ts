import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { mutants } from "./mutants/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every mutant still finds the place that it breaks, and the test that must notice", () => {
  const promises = readFileSync(`${root}test/mutation/promises.test.ts`, "utf8");
  const lost = mutants.flatMap(({ name, edits, test }) => [
    ...edits
      .filter(({ file, find }) => readFileSync(`${root}${file}`, "utf8").split(find).length !== 2)
      .map(({ file }) => `${name}: ${file}`),
    ...(existsSync(`${root}${test.file}`) ? [] : [`${name}: there is no ${test.file}`]),
    ...(test.file.includes("promises") && !promises.includes(`test("${test.name}`)
      ? [`${name}: ${test.name}`]
      : []),
  ]);

  expect(lost).toEqual([]);
});
