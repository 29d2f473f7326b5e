/** An embedded plane keeps, exports and looks after its Tasks by the settings of a server, and by the same code. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serverConfig } from "#config/index";
import { retention } from "#config/retention";
import { staleness } from "#config/staleness";
import { optionNames } from "#embedded/checks";
import { planeSettings } from "#plane-settings";
import { folder, started } from "./kit.js";

const camel = (name: string) => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const DAY = 86_400_000;

async function all<Each>(items: AsyncIterable<Each>): Promise<Each[]> {
  const found: Each[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("every setting about what is kept, and about Tasks that rest, is an option too", () => {
  const wanted = [...Object.keys(retention), ...Object.keys(staleness)].map(camel);
  expect(wanted.filter((name) => !optionNames.some((option) => option === name))).toEqual([]);
});

test("all of them reach the plane", () => {
  const settings = planeSettings(
    serverConfig({
      ...{ retention: "2d", "dead-letter-retention": "3d", "retention-of": { "x/FAILED": "4d" } },
      ...{ "stale-worker": "5s", "accept-clock": true, lease: "20s", heartbeat: "2s", "public-lease": "60s" },
    }),
  );
  expect(settings).toMatchObject({
    retention: 2 * DAY,
    deadLetterRetention: 3 * DAY,
    retentionOf: [{ namespace: "x", status: "FAILED", keep: 4 * DAY }],
    stale: { waitingForWorker: 5_000 },
    acceptClock: true,
    terms: { lease: 20_000, heartbeat: 2_000, publicLease: 60_000 },
  });
});

test("the thresholds of an embedded plane are those of its options", async () => {
  const { client } = await started({ staleWorker: "7s", staleLifetime: "2h" });
  await client.tasks.create({ agent: "nobody" });
  const [found] = await all(client.deadLetters.staleness());
  expect(found).toMatchObject({ thresholdMs: 7_000, lifetimeMs: 7_200_000 });
});

test("the folder of exports is made at the start; where it cannot be, the start is refused and nothing stays open", async () => {
  const data = await folder();
  const exportTo = join(data, "old");
  const taskrun = await started({ data: join(data, "store"), exportTo });
  expect(existsSync(exportTo)).toBe(true);
  await taskrun.stop();

  const file = join(data, "file");
  await writeFile(file, "");
  await expect(started({ data: join(data, "store"), exportTo: join(file, "old") })).rejects.toThrow(
    /^export-to: .* cannot be written/,
  );
  // The data directory is free again.
  await started({ data: join(data, "store") });
});
