import type { Pause } from "#client/index";
import { ago, dateText } from "../terminal/format.js";
import { oneLine } from "../terminal/sanitizer.js";
import type { Column } from "../terminal/table.js";

/** The scope as it is named on the command line. */
export function nameOf({ kind, name, namespace, principal }: Pause): string {
  switch (kind) {
    case "plane":
      return "the plane";
    case "namespace":
      return `namespace ${oneLine(namespace)}`;
    case "worker":
      return `worker ${oneLine(name)} of ${oneLine(principal)}`;
    default:
      return `${kind} ${oneLine(name)} in ${namespace === "*" ? "every namespace" : `namespace ${oneLine(namespace)}`}`;
  }
}

/** What a pause is of, until when, since when, by whom, and why. */
export function pauseColumns(now: number): Column<Pause>[] {
  return [
    { title: "PAUSED", cell: nameOf },
    { title: "UNTIL", cell: ({ untilMs }) => (untilMs > 0 ? dateText(untilMs) : "resumed") },
    { title: "SINCE", cell: ({ pausedAtMs }) => ago(pausedAtMs, now) },
    { title: "BY", cell: ({ pausedBy }) => pausedBy, least: 8 },
    { title: "REASON", cell: ({ reason }) => reason || "-", least: 12 },
  ];
}
