import { sentenceOf } from "#stores/sqlite/damage/check";
import { verify } from "#stores/sqlite/damage/verify";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { fileOf, type PlaceOptions, progressOn, refusedKindly } from "./store-place.js";

/** `store verify`: reports all damage to a data directory. The exit code is 1 if there is any. */
export async function verifyStore(options: PlaceOptions, io: Io): Promise<ExitCode> {
  const { json } = options;
  const advice =
    "A PostgreSQL server verifies its own files: run pg_amcheck, and pg_checksums while it is stopped.";
  const { path, data } = fileOf(options, io, advice);
  const { progress, clear } = progressOn(io, "verifying", json);
  let isServed = false;
  const begun = (online: boolean) => {
    isServed = online;
  };
  let found = 0;
  await refusedKindly(
    async () => {
      try {
        for await (const finding of verify({ path, progress, begun })) {
          found += 1;
          await clear();
          await io.stdout.write(json ? line(finding) : `${sanitize(sentenceOf(finding))}\n`);
        }
      } finally {
        await clear();
      }
    },
    { not_found: "Choose the data directory with --data DIR." },
  );
  if (found > 0) {
    const advice = `${isServed ? "stop the server that is using it; " : ""}\`${io.self} server --data ${data} --repair\` starts without what is damaged, and reports what is lost`;
    await io.stderr.write(
      `${oneLine(`${found} ${found === 1 ? "problem" : "problems"} in ${path}; ${advice}`)}\n`,
    );
    return exit.failed;
  }
  const online = isServed ? ", as a server that is using it has left it at this moment" : "";
  if (!json) await io.stdout.write(`${oneLine(path)} is sound${online}\n`);
  return exit.ok;
}
