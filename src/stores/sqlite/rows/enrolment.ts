import type { EnrolmentRow } from "#domain/access/enrolment";
import { instant } from "#domain/time/time";
import type { SqlCells, SqlRow } from "../driver.js";
import { sealedTable } from "./checksum.js";

/** The table of invitations and enrolled workers. */
export const enrolment = sealedTable("enrolment", 2, [
  "kind",
  "id",
  "revision",
  "ends_at",
  "denied_until",
  "json",
]);

export function enrolmentValues(row: EnrolmentRow): SqlRow {
  const { kind, id, revision, endsAt, ...rest } = row;
  return [kind, id, revision, endsAt, row.kind === "worker" ? row.deniedUntil : 0, JSON.stringify(rest)];
}

export function enrolmentFrom(selected: SqlCells): EnrolmentRow {
  const [kind, id, revision, endsAt, , json] = enrolment.open(selected);
  const row = { kind, id, revision: Number(revision), endsAt: instant(Number(endsAt)) };
  return { ...row, ...JSON.parse(json as string) } as EnrolmentRow;
}
