import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { copyOf, everything, fill, opened } from "./damage-kit.js";

/** `DAMAGE_FLIPS` says how many single bits are flipped; 400 is the whole run. */
const FLIPS = Number(process.env.DAMAGE_FLIPS ?? 100);
const SLOW_MS = 120_000;

const root = mkdtempSync(join(tmpdir(), "taskrun-damage-"));
const sound = join(root, "sound");
const scratch = join(root, "scratch");
const files = ["taskrun.db", "taskrun.db-wal"];
let intact = "";

beforeAll(async () => {
  const left = join(root, "left");
  const store = await fill(left);
  copyOf(left, sound);
  await store.close();
  intact = (await outcome(() => {})).answer;
}, SLOW_MS);
afterAll(() => rmSync(root, { recursive: true }));

/** What a store answers whose files have been harmed: all of it, or the reason of its refusal. */
async function outcome(harm: (folder: string) => void): Promise<{ answer: string; reason: string }> {
  rmSync(scratch, { recursive: true, force: true });
  copyOf(sound, scratch);
  harm(scratch);
  const store = opened(scratch);
  try {
    const answer = await everything(store);
    await store.close();
    return { answer, reason: "" };
  } catch (error) {
    await store.close();
    if (!(error instanceof Fault)) throw error;
    return { answer: "", reason: error.reason };
  }
}

/** Identical bytes, or a refusal that says which. */
async function expectNothingElse(what: string, harm: (folder: string) => void): Promise<string> {
  const { answer, reason } = await outcome(harm);
  if (answer !== intact && !/^STORE_(DAMAGED|BEHIND|TOO_NEW)$/.test(reason)) {
    expect.fail(`${what}: ${reason || "other answers"}`);
  }
  return reason;
}

/** A small generator, so that a failure can be repeated. */
function drawn(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("an intact directory that was left in the middle of its work answers", () => {
  expect(intact.length).toBeGreaterThan(100_000);
});

test(
  `after any of ${FLIPS} single flipped bits the answers are the same, or there are none`,
  async () => {
    const draw = drawn(7);
    const reasons = new Map<string, number>();
    const sizes = files.map((file) => statSync(join(sound, file)).size);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    for (let n = 0; n < FLIPS; n++) {
      const place = Math.floor(draw() * total);
      const bit = 1 << Math.floor(draw() * 8);
      const [file, offset] =
        place < (sizes[0] ?? 0) ? [files[0], place] : [files[1], place - (sizes[0] ?? 0)];
      const reason = await expectNothingElse(`bit ${bit} of byte ${offset} of ${file}`, (folder) => {
        const path = join(folder, String(file));
        const bytes = readFileSync(path);
        bytes[Number(offset)] = (bytes[Number(offset)] ?? 0) ^ bit;
        writeFileSync(path, bytes);
      });
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    expect((reasons.get("STORE_DAMAGED") ?? 0) + (reasons.get("STORE_BEHIND") ?? 0)).toBeGreaterThan(
      FLIPS / 3,
    );
  },
  SLOW_MS,
);

test(
  "after a truncation of either file the answers are the same, or there are none",
  async () => {
    const draw = drawn(11);
    for (const file of files) {
      const { size } = statSync(join(sound, file));
      for (const share of [0, 0.5, 0.999, ...Array.from({ length: 12 }, draw)]) {
        const length = Math.floor(size * share);
        await expectNothingElse(`${file} cut to ${length} of ${size}`, (folder) =>
          truncateSync(join(folder, file), length),
        );
      }
    }
  },
  SLOW_MS,
);

const PAGE = 4_096;

test(
  "after pages were zeroed or swapped the answers are the same, or there are none",
  async () => {
    const bytes = readFileSync(join(sound, "taskrun.db"));
    const pages = bytes.length / PAGE;
    const draw = drawn(13);
    const pageAt = (number: number) => bytes.subarray(number * PAGE, (number + 1) * PAGE);
    for (let n = 0; n < 20; n++) {
      const [one, other] = [Math.floor(draw() * pages), Math.floor(draw() * pages)];
      await expectNothingElse(`page ${one} zeroed`, (folder) => {
        const copy = Buffer.from(bytes);
        copy.fill(0, one * PAGE, (one + 1) * PAGE);
        writeFileSync(join(folder, "taskrun.db"), copy);
      });
      await expectNothingElse(`pages ${one} and ${other} swapped`, (folder) => {
        const copy = Buffer.from(bytes);
        pageAt(one).copy(copy, other * PAGE);
        pageAt(other).copy(copy, one * PAGE);
        writeFileSync(join(folder, "taskrun.db"), copy);
      });
    }
  },
  SLOW_MS,
);

test("a write-ahead log that is gone, zeroed or halved is missed, by number and by the file that knows", async () => {
  const wal = (folder: string) => join(folder, "taskrun.db-wal");
  expect(await expectNothingElse("gone", (folder) => rmSync(wal(folder)))).toBe("STORE_BEHIND");
  expect(
    await expectNothingElse("zeroed", (folder) =>
      writeFileSync(wal(folder), Buffer.alloc(statSync(wal(folder)).size)),
    ),
  ).toBe("STORE_BEHIND");
  expect(
    await expectNothingElse("halved", (folder) => truncateSync(wal(folder), statSync(wal(folder)).size / 2)),
  ).toBe("STORE_BEHIND");

  rmSync(wal(scratch), { force: true });
  await expect(opened(scratch).boot()).rejects.toThrow(
    /taskrun\.db has lost commits: its last one is number \d+, but number 81 was acknowledged, as .*taskrun\.db\.head says; put back .*taskrun\.db-wal, or .* --repair/,
  );
});
