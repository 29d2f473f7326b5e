import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { type AuditFinding, AuditVerifier, type ChainSummary } from "#domain/audit/verify";
import { readCheckpoint } from "#host/audit/signature";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { readEntry } from "./read-entry.js";

export interface VerifyOptions extends ConnectionOptions {
  readonly checkpoints?: string;
  readonly key?: string;
}

/** `audit verify`: names every entry that was changed, removed, put in or moved; exit code 1 if there is one. */
export async function verifyAudit(
  file: string | undefined,
  options: VerifyOptions,
  io: Io,
): Promise<ExitCode> {
  const timeOf = (at: number) => new Date(at).toISOString();
  const verifier = new AuditVerifier({
    sha256,
    timeOf: (at) => (Math.abs(at) < 8.64e15 ? timeOf(at) : String(at)),
  });
  const keys = options.checkpoints
    ? await readCheckpoints(options.checkpoints, options.key, verifier, io)
    : undefined;
  if (file !== undefined) await readExport(file, verifier, io);
  else {
    await withClient(io, options, async ({ audit }) => {
      for await (const entry of audit.list()) verifier.entry(entry);
    });
  }
  const chains = verifier.end();
  for (const finding of verifier.findings) await io.stdout.write(`${oneLine(sentence(finding))}\n`);
  if (verifier.count > verifier.findings.length) {
    await io.stdout.write(`and ${verifier.count - verifier.findings.length} more\n`);
  }
  for (const chain of chains) await io.stderr.write(`${oneLine(summary(chain))}\n`);
  await io.stderr.write(`${oneLine(conclusion(verifier.count, keys))}\n`);
  return verifier.count === 0 ? exit.ok : exit.failed;
}

function sentence({ chain, seq, problem }: AuditFinding): string {
  return `${chain} ${seq}: entry ${seq} ${problem}`;
}

function summary({ chain, first, last, signed }: ChainSummary): string {
  const vouched = signed === 0 ? "none vouched for by a checkpoint" : `vouched for up to ${signed}`;
  return `${chain}: entries ${first} to ${last}, ${vouched}`;
}

function conclusion(findings: number, keys: ReadonlySet<string> | undefined): string {
  const found = findings === 0 ? "the log is whole" : `the log is not what was written: ${findings} findings`;
  if (!keys)
    return `${found}; without --checkpoints an end that was cut off, or a log that was made anew, is not noticed`;
  return `${found}; checkpoints are signed by ${[...keys].join(" and ") || "nobody: there are none"}`;
}

/** Reads the newest checkpoints; returns the keys that signed them. */
async function readCheckpoints(
  path: string,
  key: string | undefined,
  verifier: AuditVerifier,
  io: Io,
): Promise<ReadonlySet<string>> {
  const lines: string[] = [];
  for await (const line of linesOf(path, io)) {
    lines.push(line);
    if (lines.length > limits.auditCheckpointsRead * 2) lines.splice(0, limits.auditCheckpointsRead);
  }
  const keys = new Set<string>();
  let place = { chain: "checkpoints", seq: 0 };
  for (const line of lines) {
    const checkpoint = readCheckpoint(line) ?? readCheckpoint(fromSyslog(line));
    if (!checkpoint || (key !== undefined && checkpoint.key !== key)) {
      const why = checkpoint ? "is signed by another key" : "is none: it was changed, or cut off by a crash";
      verifier.find(place, `is the last before a line of the checkpoints that ${why}`);
      continue;
    }
    place = { chain: checkpoint.chain, seq: checkpoint.seq };
    keys.add(checkpoint.key);
    verifier.checkpoint(checkpoint);
  }
  return keys;
}

/** The checkpoint in a line of a file of syslog, behind what the collector has put before it; empty if it is none. */
function fromSyslog(line: string): string {
  return /^[^{]*\btaskrun\b[^{]* (\{.*)$/.exec(line)?.[1] ?? "";
}

async function readExport(path: string, verifier: AuditVerifier, io: Io): Promise<void> {
  let place = { chain: "export", seq: 0 };
  for await (const line of linesOf(path, io)) {
    const entry = readEntry(line);
    if (entry) {
      verifier.entry(entry);
      place = { chain: entry.chain, seq: entry.seq };
    } else verifier.find(place, "is the last before a line that is no entry, or not as it was exported");
  }
}

async function* linesOf(path: string, { cwd }: Io): AsyncGenerator<string> {
  const input = createReadStream(resolve(cwd, path), "utf8");
  try {
    for await (const line of createInterface({ input, crlfDelay: 0 })) yield line;
  } catch (cause) {
    const message = `${path} cannot be read: ${(cause as Error).message}`;
    throw new CliError(exit.usage, message, [], cause);
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
