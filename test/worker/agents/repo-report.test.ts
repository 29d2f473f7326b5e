import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { repoReportIn } from "#worker/agents/repo-report";
import { glob } from "#worker/agents/walk";
import { rehearsal } from "../kit/workbench.js";

const open = ["TO", "DO"].join("");

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "taskrun-report-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

const sources = {
  "README.md": "# Hi\n",
  "src/b.ts": `one\ntwo // ${open}: three\n`,
  "src/a.ts": "one",
  "src/deep/c.py": "",
  "image.png": "\0\0",
  "node_modules/x/index.js": "x\n",
  ".git/config": "x\n",
};

test("a folder is reported as it is walked, with totals as the result", async () => {
  const root = await tree(sources);
  const { said, result } = rehearsal(repoReportIn(root), {});

  expect(await result).toMatchObject({
    files: 5,
    lines: 4,
    markers: 1,
    truncated: false,
    languages: [
      { language: "TypeScript", files: 2, lines: 3 },
      { language: "Markdown", files: 1, lines: 1 },
      { language: "Other", files: 1, lines: 0, bytes: 2 },
      { language: "Python", files: 1, lines: 0 },
    ],
    largest: [{ path: "src/b.ts", lines: 2 }, { path: "README.md" }, { path: "src/a.ts" }, {}, {}],
  });
  expect(said.slice(1, 4)).toEqual(["| . | 2 | 1 |\n", "| src | 2 | 3 |\n", "| src/deep | 1 | 0 |\n"]);
  expect(said.join("")).toContain("| src/b.ts | 1 |\n\n## Totals\n\n5 files, 4 lines");
});

test("globs choose, and a report cut short says so", async () => {
  const root = await tree(sources);
  const agent = repoReportIn(root);

  const chosen = rehearsal(agent, { path: "src", include: ["**/*.ts", "**/*.py"], exclude: ["deep"] });
  expect(await chosen.result).toMatchObject({ files: 2 });
  const cut = rehearsal(agent, { maxFiles: 1 });
  expect(await cut.result).toMatchObject({ files: 1, truncated: true });
  expect(cut.said.at(-1)).toContain("The walk ended after 1 files; there are more.");
});

test("a path that leads out of the served folder, or nowhere, is refused for good", async () => {
  const root = await tree({ "a/x.ts": "" });
  await symlink(tmpdir(), join(root, "a/out"));
  const agent = repoReportIn(join(root, "a"));

  for (const path of ["..", "/", "out"]) {
    await expect(rehearsal(agent, { path }).result).rejects.toMatchObject({
      message: `path: "${path}" is outside the folder this worker serves`,
      retryable: false,
    });
  }
  await expect(rehearsal(agent, { path: "none" }).result).rejects.toThrow('path: cannot read "none"');
});

test.each([
  ["*.ts", "a.ts", true],
  ["*.ts", "a/b.ts", false],
  ["**/*.ts", "b.ts", true],
  ["**/*.ts", "a/b/c.ts", true],
  ["src/**", "src/a/b", true],
  ["a?c", "a/c", false],
  ["a.(b)", "a.(b)", true],
  ["a.b", "axb", false],
])("glob %s against %s: %s", (pattern, path, matches) => {
  expect(glob(pattern).test(path)).toBe(matches);
});
