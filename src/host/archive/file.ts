import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/**
 * Writes a file that is there when it is whole and on the disk, or not at all; only its user may read it.
 *
 * @throws {Fault} `wrong_state` if it is there already
 */
export async function writeWhole(path: string, texts: AsyncIterable<string>): Promise<void> {
  const folder = dirname(path);
  const draft = join(folder, `.taskrun-export-${randomUUID()}.partial`);
  const file = await open(draft, "wx", 0o600);
  try {
    try {
      await writeAll(file, texts);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      throw new Fault("wrong_state", `${path} is there already, and is not replaced: choose another name`);
    });
  } finally {
    await rm(draft, { force: true });
  }
  const opened = await open(folder, constants.O_RDONLY);
  await opened.sync().finally(() => opened.close());
}

async function writeAll(file: FileHandle, texts: AsyncIterable<string>): Promise<void> {
  let waiting: string[] = [];
  let length = 0;
  for await (const text of texts) {
    waiting.push(text);
    length += text.length;
    if (length < limits.exportWriteBytes) continue;
    await file.appendFile(waiting.join(""));
    [waiting, length] = [[], 0];
  }
  await file.appendFile(waiting.join(""));
}
