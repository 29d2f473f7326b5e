import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { SourceWatch } from "#cli/dev/source-watch";

test("a folder is watched as a whole, also if a file in it was given or imported before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-watch-"));
  mkdirSync(join(folder, "agents"));
  const changed: string[] = [];
  const watch = new SourceWatch((path) => void changed.push(basename(path)));
  onTestFinished(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });
  watch.add(join(folder, "agents/first.mjs"));
  watch.addFolder(join(folder, "agents"), (name) => name.endsWith(".mjs"));

  writeFileSync(join(folder, "agents/second.mjs"), "");
  await vi.waitFor(() => expect(changed).toEqual(["second.mjs"]), { timeout: 10_000 });
  writeFileSync(join(folder, "agents/notes.txt"), "");
  writeFileSync(join(folder, "agents/first.mjs"), "");
  await vi.waitFor(() => expect(changed).toEqual(["second.mjs", "first.mjs"]), { timeout: 10_000 });
});
