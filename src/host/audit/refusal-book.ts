import { type AuditRecord, auditRecord } from "#domain/audit/record";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Refusal } from "#ports/audit";

/** Of whom it is not told apart who it was: there were too many. */
const OTHERS = "others";

/**
 * Counts refusals until they are taken: one record for each caller and action, however many there were. The number of records is
 * bounded too; what exceeds it is counted by action alone.
 */
export class RefusalBook {
  readonly #records = new Map<string, AuditRecord>();

  get isEmpty(): boolean {
    return this.#records.size === 0;
  }

  add(refusal: Refusal, at: Instant): void {
    const key = keyOf(refusal);
    if (this.#records.has(key) || this.#records.size < limits.auditRefusals) {
      this.#count(key, refusal, at);
      return;
    }
    const { action } = refusal;
    const others = { actor: OTHERS, action: action.slice(0, 64), object: "" };
    const shared = keyOf(others);
    // Actions are of a closed set: even so nothing grows without a bound.
    const most = limits.auditRefusals * 2;
    if (this.#records.has(shared) || this.#records.size < most) this.#count(shared, others, at);
  }

  /** All that was counted; from then on it is counted anew. */
  take(): readonly AuditRecord[] {
    const taken = [...this.#records.values()];
    this.#records.clear();
    return taken;
  }

  #count(key: string, refusal: Refusal, at: Instant): void {
    const known = this.#records.get(key);
    const { since = at, count = 0 } = known ?? {};
    const { actor, action, object, namespace, detail } = refusal;
    const said = {
      actor,
      action,
      object,
      ...(namespace !== undefined && { namespace }),
      ...(detail !== undefined && { detail }),
    };
    this.#records.set(key, auditRecord({ ...said, at, since, result: "refused", count: count + 1 }));
  }
}

/** Calls without a scope are told apart by what was called. */
function keyOf({ actor, action, object }: Refusal): string {
  return JSON.stringify([actor, action, action === "call" ? object : ""]);
}
