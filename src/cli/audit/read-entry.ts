import type { AuditEntry } from "#client/index";
import { entryLine } from "#domain/audit/record";
import { escapeJsonControls } from "#domain/text/controls";

/**
 * The entry in a line of an export; undefined if it is none. The line must be exactly as it was exported: what its hash does not
 * cover, a space say or a field that is not one of ours, would otherwise be a change that nobody notices.
 */
export function readEntry(line: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(line) as AuditEntry;
    const texts = [entry.chain, entry.actor, entry.action, entry.object, entry.namespace];
    const isWhole =
      [...texts, entry.result, entry.detail, entry.prev, entry.hash].every(
        (text) => typeof text === "string",
      ) && [entry.seq, entry.at, entry.since, entry.count].every((number) => Number.isSafeInteger(number));
    return isWhole && escapeJsonControls(entryLine(entry)) === line ? entry : undefined;
  } catch {
    return undefined;
  }
}
