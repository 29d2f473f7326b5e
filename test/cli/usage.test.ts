import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { dollars, tokens, usageText } from "#cli/usage/format";
import { type GetUsageRequest, GetUsageResponseSchema } from "#wire/gen/taskrun/v1/usage_service_pb";
import { fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

const DAY = 86_400_000n;
const usage = {
  inputTokens: 1_234_567n,
  outputTokens: 89n,
  cachedTokens: 1_000n,
  toolCalls: 3n,
  usdMicros: 4_560_000n,
};

function using(pages = 1) {
  const asked: GetUsageRequest[] = [];
  const getUsage = (request: GetUsageRequest) => {
    asked.push(request);
    const sum = { dayMs: 20_000n * DAY, namespace: "billing", agentName: "triage", model: "m", usage };
    const second = { ...sum, model: "", usage: { ...usage, usdMicros: 0n, unpricedTokens: 5n } };
    const isLast = asked.length >= pages;
    return create(GetUsageResponseSchema, {
      sums: asked.length === 1 ? [sum, second] : [second],
      nextPageToken: isLast ? "" : "more",
      ...(asked.length === 1 && { total: { ...usage, unpricedTokens: 5n } }),
    });
  };
  return { asked, plane: fakePlane({}, {}, {}, {}, { usage: { getUsage } }) };
}

test("usage shows sums and their total, and what has no price", async () => {
  const { asked, plane } = using();
  await using open = await plane;
  const words = ["--by", "day,model", "--from", "2024-10-01", "--agent", "triage", "--namespace", "billing"];
  const { code, stdout } = await taskrun(["usage", ...words, "--addr", open.addr]);
  expect(code).toBe(0);
  expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["DAY", "MODEL", "INPUT", "CACHED", "OUTPUT", "TOOLS", "COST", "UNPRICED"],
    ["2024-10-04", "m", "1 234 567", "1 000", "89", "3", "$4.56", "0"],
    ["2024-10-04", "-", "1 234 567", "1 000", "89", "3", "$0.00", "5"],
    ["total", "total", "1 234 567", "1 000", "89", "3", "$4.56", "5"],
    [""],
  ]);
  expect(asked[0]).toMatchObject({
    groupBy: ["day", "model"],
    fromMs: BigInt(Date.UTC(2024, 9, 1)),
    agentName: "triage",
    namespace: "billing",
  });
});

test("usage --json prints every sum of every page", async () => {
  const { asked, plane } = using(2);
  await using open = await plane;
  const { stdout } = await taskrun(["usage", "--json", "--addr", open.addr]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatchObject({
    dayMs: 20_000 * 86_400_000,
    agent: "triage",
    usage: { usdMicros: 4_560_000 },
  });
  expect(asked.map(({ pageToken }) => pageToken)).toEqual(["", "more"]);
});

test("a key or a time that is none is refused, with the way out", async () => {
  const key = await taskrun(["usage", "--by", "day,modle"]);
  expect([key.code, key.stderr.includes("did you mean model?")]).toEqual([2, true]);
  const time = await taskrun(["usage", "--from", "tomorrow"]);
  expect([time.code, time.stderr.includes("as 7d")]).toEqual([2, true]);
});

test("tokens and money are written for people", () => {
  expect([0, 999, 1_000, 1_234_567].map(tokens)).toEqual(["0", "999", "1 000", "1 234 567"]);
  expect([0, 1, 12, 500_000, 999_999, 1_000_000, 1_234_567].map(dollars)).toEqual([
    ...["$0.00", "$0.000001", "$0.000012", "$0.50", "$0.999999", "$1.00", "$1.23"],
  ]);
  expect(usageText(undefined)).toBe("");
  const counts = { inputTokens: 5, outputTokens: 2, cachedTokens: 0, toolCalls: 0 };
  const all = { ...counts, usdMicros: 0, unpricedTokens: 7, reports: 1, wallMs: 0 };
  expect(usageText({ ...all, late: all })).toBe(
    "5 tokens read, 2 written, $0.00, 7 tokens without a price, 7 tokens reported after the end",
  );
});
