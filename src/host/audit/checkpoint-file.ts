import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { type Checkpoint, checkpointLine } from "#domain/audit/checkpoint";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { readCheckpoint } from "./signature.js";

/** A file to which checkpoints are appended, one a line. */
export interface CheckpointFile {
  /** The last one that was in it when it was opened; undefined if there was none. */
  readonly last: Checkpoint | undefined;
  /** Resolves when it is on the disk. */
  append(checkpoint: Checkpoint): Promise<void>;
  close(): Promise<void>;
}

/** @throws {Fault} `invalid` if it cannot be written */
export async function openCheckpointFile(path: string): Promise<CheckpointFile> {
  try {
    const file = await open(path, "a+", 0o600);
    const last = await lastIn(file);
    return {
      last,
      async append(checkpoint) {
        await file.appendFile(`${checkpointLine(checkpoint)}\n`);
        await file.datasync();
      },
      close: () => file.close(),
    };
  } catch (cause) {
    const message = `audit-checkpoints: ${path} cannot be written: ${(cause as Error).message}. Its folder, ${dirname(path)}, must be there.`;
    throw new Fault("invalid", message, { reason: "AUDIT_UNWRITABLE", cause });
  }
}

/** What was cut off by a crash is ended first, so that the next line is whole. */
async function lastIn(file: FileHandle): Promise<Checkpoint | undefined> {
  const { size } = await file.stat();
  const length = Math.min(size, limits.auditCheckpointBytes * 2);
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
  const text = buffer.toString("utf8");
  if (text !== "" && !text.endsWith("\n")) await file.appendFile("\n");
  for (const line of text.split("\n").reverse()) {
    const checkpoint = readCheckpoint(line);
    if (checkpoint) return checkpoint;
  }
  return undefined;
}
