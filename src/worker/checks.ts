import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import { utf8Bytes } from "#domain/text";

/**
 * The plane refuses a report over its limits by ending the stream, with every run on it: so the agent that
 * made it is told first.
 *
 * @throws {RangeError} if there are too many labels, or one is too long
 */
export function checkMetadata(metadata: Labels): void {
  const entries = Object.entries(metadata);
  if (entries.length > limits.labels) {
    throw new RangeError(`metadata has ${entries.length} entries, at most ${limits.labels} are allowed`);
  }
  for (const [name, value] of entries) {
    if (utf8Bytes(name) > limits.labelBytes || utf8Bytes(value) > limits.labelBytes) {
      throw new RangeError(`metadata "${name.slice(0, 40)}" is over ${limits.labelBytes} bytes`);
    }
  }
}

/** @throws {RangeError} if the message would not fit into one frame */
export function checkChat(text: string): void {
  const bytes = utf8Bytes(text);
  if (bytes > limits.chunkBytes) {
    throw new RangeError(`a chat message of ${bytes} bytes is over the limit of ${limits.chunkBytes}`);
  }
}
