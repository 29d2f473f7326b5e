import { readdir } from "node:fs/promises";
import type { Attack } from "./target.js";

/** An attack and where it is, for the process that carries it out. */
export interface Entry {
  /** `folder/file`, or `folder/file/function` where a file has several. */
  readonly name: string;
  readonly module: string;
  readonly exportName: string;
}

/** Every function that a module in `attacks/` exports is an attack; its folder puts it in its place. */
export async function catalogue(): Promise<Entry[]> {
  const folder = new URL("./attacks/", import.meta.url);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".js")).sort();
  const entries: Entry[] = [];
  for (const file of files) {
    const module = new URL(file, folder).href;
    const attacks = Object.entries((await import(module)) as Record<string, Attack>);
    for (const [exportName] of attacks) {
      const stem = file.slice(0, -".js".length).replaceAll("\\", "/");
      entries.push({ name: attacks.length === 1 ? stem : `${stem}/${exportName}`, module, exportName });
    }
  }
  return entries;
}
