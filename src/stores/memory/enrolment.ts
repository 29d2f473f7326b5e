import type { EnrolledWorker, EnrolmentKind, EnrolmentOf, EnrolmentRow } from "#domain/access/enrolment";
import type { AuditAppend } from "#ports/audit";
import type { EnrolmentStore } from "#ports/enrolment";
import { compare } from "./templates.js";

/** Invitations and enrolled workers in a map. Rows are copied, as where they are written to a disk. */
export class MemoryEnrolment implements EnrolmentStore {
  readonly #rows = new Map<string, string>();
  readonly #appendAudit: (append: AuditAppend) => void;

  constructor(appendAudit: (append: AuditAppend) => void) {
    this.#appendAudit = appendAudit;
  }

  async get<Kind extends EnrolmentKind>(kind: Kind, id: string): Promise<EnrolmentOf<Kind> | undefined> {
    const text = this.#rows.get(keyOf({ kind, id }));
    return text === undefined ? undefined : (JSON.parse(text) as EnrolmentOf<Kind>);
  }

  async list<Kind extends EnrolmentKind>(kind: Kind, after: string, limit: number) {
    const rows = this.#all().filter((row) => row.kind === kind && row.id > after);
    return rows.sort((a, b) => compare(a.id, b.id)).slice(0, limit) as EnrolmentOf<Kind>[];
  }

  async denied(now: number): Promise<readonly EnrolledWorker[]> {
    return this.#all().filter((row) => row.kind === "worker" && row.deniedUntil > now) as EnrolledWorker[];
  }

  async put(rows: readonly EnrolmentRow[], audit?: AuditAppend): Promise<boolean> {
    const texts = rows.map((row) => [keyOf(row), JSON.stringify(row)] as const);
    for (const [key, text] of texts) {
      const there = this.#rows.get(key);
      const { revision } = JSON.parse(text) as EnrolmentRow;
      const before = there === undefined ? 0 : (JSON.parse(there) as EnrolmentRow).revision;
      if (before !== revision - 1 && there !== text) return false;
    }
    const isNew = texts.some(([key, text]) => this.#rows.get(key) !== text);
    for (const [key, text] of texts) this.#rows.set(key, text);
    if (audit && isNew) this.#appendAudit(audit);
    return true;
  }

  async removeEnded(before: number, limit: number): Promise<number> {
    const ended = this.#all().filter(({ endsAt }) => endsAt < before);
    const removed = ended.sort((a, b) => a.endsAt - b.endsAt).slice(0, limit);
    for (const row of removed) this.#rows.delete(keyOf(row));
    return removed.length;
  }

  #all(): EnrolmentRow[] {
    return [...this.#rows.values()].map((text) => JSON.parse(text) as EnrolmentRow);
  }
}

function keyOf({ kind, id }: { readonly kind: string; readonly id: string }): string {
  return `${kind} ${id}`;
}
