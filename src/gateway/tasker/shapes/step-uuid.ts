import { createHash } from "node:crypto";

/** The namespace of the UUIDs that Steps have for clients of Tasker, drawn once. It must never change. */
const STEPS = Buffer.from("6f1d0c4e5b7a4f0e9c8d2a3b1e4f5a60", "hex");

/**
 * The UUID of a Step, as version 5 of RFC 9562 makes it of the id of its Task and its own name: nothing has to be stored, and
 * it is the same on every node.
 */
export function stepUuid(taskId: string, stepName: string): string {
  return uuidOf(`${taskId}\n${stepName}`);
}

/** The UUID of what happened in a Run or at an instant: `part` tells apart what has the same id. */
export function partUuid(id: string, part: string): string {
  return uuidOf(`${id}\n\n${part}`);
}

/** The Step of a Task that a client means, by its UUID or by its name; undefined if there is none. */
export function stepMeant<Step extends { readonly name: string }>(
  taskId: string,
  steps: readonly Step[],
  wanted: string,
): Step | undefined {
  const uuid = wanted.toLowerCase();
  return (
    steps.find(({ name }) => stepUuid(taskId, name) === uuid) ?? steps.find(({ name }) => name === wanted)
  );
}

function uuidOf(name: string): string {
  const hash = createHash("sha1").update(STEPS).update(name).digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
