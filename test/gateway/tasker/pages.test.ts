/** Pages by number over lists that are read by tokens. */
import { expect, test } from "vitest";
import { sliceOf, sliceOfPage } from "#gateway/tasker/shapes/pages";
import { limits } from "#limits/index";

/** Pages over the numbers from 0, of which each read gives at most `most`. */
function pagesOf(count: number, most: number) {
  let reads = 0;
  const read = async (token: string, size: number) => {
    reads++;
    const from = Number(token || 0);
    const to = Math.min(count, from + Math.min(size, most));
    const rows = Array.from({ length: to - from }, (_, i) => from + i);
    return { rows, nextPageToken: to < count ? String(to) : "" };
  };
  return { read, reads: () => reads };
}

test("a page that is counted is read by tokens, also where reads give less than was asked for", async () => {
  const { read } = pagesOf(100, 7);
  expect(await sliceOf(read, sliceOfPage(3, 10))).toEqual({
    rows: [20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
    nextPageToken: "30",
    hasMore: true,
  });
  expect(await sliceOf(read, { offset: 95, limit: 10 })).toMatchObject({
    rows: [95, 96, 97, 98, 99],
    hasMore: false,
  });
  expect(await sliceOf(read, { offset: 200, limit: 10 })).toMatchObject({ rows: [], hasMore: false });
  expect(await sliceOf(read, { offset: 0, limit: 2 }, { begin: "50" })).toMatchObject({ rows: [50, 51] });
});

test("how far in a counted page may begin is bounded, and so are the reads for it", async () => {
  const { read, reads } = pagesOf(1_000_000, 1);
  await expect(sliceOf(read, { offset: limits.taskerOffset + 1, limit: 1 })).rejects.toThrow(
    /^offset begins/,
  );
  await expect(
    sliceOf(read, { offset: limits.taskerOffset + 1, limit: 1 }, { goOn: "ask for less" }),
  ).rejects.toThrow(/narrow the filter, or ask for less\.$/);
  await expect(sliceOf(read, { offset: 100, limit: 1 }, { field: "page" })).rejects.toMatchObject({
    message: expect.stringMatching(/^page .*page_token/),
    details: { field: "page" },
  });
  expect(reads()).toBe(limits.taskerOffsetReads);
});
