import { join } from "node:path";
import { Fault } from "#domain/fault";
import { isPostgresUrl } from "#domain/postgres-url";
import { DATABASE } from "#stores/shared/server-store";
import { sentenceOf } from "#stores/sqlite/damage/check";
import { verify } from "#stores/sqlite/damage/verify";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { loadConfig } from "./settings.js";

export interface VerifyStoreOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** `store verify`: reports all damage to a data directory. The exit code is 1 if there is any. */
export async function verifyStore(options: VerifyStoreOptions, io: Io): Promise<ExitCode> {
  const { data, config: file, json } = options;
  const flags = data === undefined ? {} : { data };
  const config = loadConfig({ flags, env: io.env, cwd: io.cwd, file });
  if (data === undefined && isPostgresUrl(config.store)) {
    const advice =
      "A PostgreSQL server verifies its own files: run pg_amcheck, and pg_checksums while it is stopped.";
    throw new CliError(exit.usage, "the store of these settings is a PostgreSQL database", [advice]);
  }
  const path = join(config.data, DATABASE);

  const progress = (what: string) => {
    if (io.stderr.isTTY && !json) void io.stderr.write(`\r\u001b[Kverifying ${oneLine(what)}`);
  };
  const clear = async () => {
    if (io.stderr.isTTY && !json) await io.stderr.write("\r\u001b[K");
  };
  let found = 0;
  try {
    for await (const finding of verify({ path, progress })) {
      found += 1;
      await clear();
      await io.stdout.write(json ? line(finding) : `${sanitize(sentenceOf(finding))}\n`);
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === "not_found") {
      throw new CliError(exit.notFound, error.message, ["Choose the data directory with --data DIR."]);
    }
    const next =
      error.reason === "STORE_LOCKED" ? ["Stop that server first, or verify a copy of its directory."] : [];
    throw new CliError(exit.failed, error.message, next, error);
  } finally {
    await clear();
  }
  if (found > 0) {
    const advice = `\`${io.self} server --data ${config.data} --repair\` starts without what is damaged, and reports what is lost`;
    await io.stderr.write(
      `${oneLine(`${found} ${found === 1 ? "problem" : "problems"} in ${path}; ${advice}`)}\n`,
    );
    return exit.failed;
  }
  if (!json) await io.stdout.write(`${oneLine(path)} is sound\n`);
  return exit.ok;
}
