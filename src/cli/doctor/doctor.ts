import { type ExitCode, exit } from "../exit.js";
import { type Colors, colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import type { DoctorOptions, Finding } from "./check.js";
import { localChecks } from "./local.js";
import { serverChecks } from "./server.js";

/** `taskrun doctor`: tells each finding as it is made. The exit code is 1 if something is wrong. */
export async function runDoctor(options: DoctorOptions, io: Io): Promise<ExitCode> {
  const counts = { ok: 0, warning: 0, wrong: 0, skipped: 0 };
  const colors = colorsFor(io.stdout, io);
  for (const checks of [localChecks(options, io), serverChecks(options, io)]) {
    for await (const finding of checks) {
      counts[finding.state] += 1;
      await io.stdout.write(options.json ? line(finding) : described(finding, colors));
    }
  }
  if (!options.json) {
    const { wrong, warning } = counts;
    const verdict = wrong > 0 ? `${wrong} wrong` : "Nothing is wrong";
    const noted = warning > 0 ? `, ${warning} to look at` : "";
    await io.stdout.write(`\n${verdict}${noted}.\n`);
  }
  return counts.wrong > 0 ? exit.failed : exit.ok;
}

const marks = { ok: "ok", warning: "look", wrong: "WRONG", skipped: "-" } as const;

function described({ check, state, says, next }: Finding, colors: Colors): string {
  const paints = { ok: colors.green, warning: colors.yellow, wrong: colors.red, skipped: colors.dim };
  const first = `${paints[state](marks[state].padEnd(5))}  ${check.padEnd(WIDEST)}  ${oneLine(says)}\n`;
  return next === undefined ? first : `${first}${" ".repeat(WIDEST + 9)}${oneLine(next)}\n`;
}

/** Of the names of checks. */
const WIDEST = 10;
