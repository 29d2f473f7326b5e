import { settings } from "#config/index";
import { code, table } from "./marked.js";

/** The settings of a server in `docs/operating.md`, from `src/config`. */
export function settingTable(): string {
  const rows = Object.entries(settings).map(([name, { fallback, range, help }]) => [
    code(name),
    defaultOf(fallback),
    range,
    help,
  ]);
  return table(["name", "default", "range", "meaning"], rows);
}

function defaultOf(fallback: unknown): string {
  const values = [fallback].flat().filter((value) => value !== "");
  return values.map((value) => code(String(value))).join(", ") || "none";
}
