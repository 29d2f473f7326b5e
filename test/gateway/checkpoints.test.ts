import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "#limits/index";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";
import { heard, hello } from "./kit/speaking.js";

let opened: Opened;
let mount: Mount;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

async function yielded(parts: { readonly cursorJson?: string; readonly outputJson?: string }) {
  const value = { runId: "r", fence: 2, ...parts };
  const [, report] = await heard({ opened, mount }, hello(1), { case: "yield", value });
  return report;
}

test("a checkpoint is told to the plane with its cursor and what was achieved", async () => {
  expect(await yielded({ cursorJson: '{"row":5}', outputJson: "[1]" })).toEqual({
    type: "yield",
    runId: "r",
    fence: 2,
    cursor: '{"row":5}',
    output: "[1]",
  });
});

test("a checkpoint that says nothing starts over from null", async () => {
  expect(await yielded({})).toMatchObject({ type: "yield", cursor: "null", output: "" });
});

const large = JSON.stringify("x".repeat(limits.resultBytes));

test.each([
  [
    "a cursor that is no JSON",
    { cursorJson: "{" },
    "The agent's checkpoint's cursor_json is not JSON: the text ends too early at line 1, column 2. Send valid JSON text.",
  ],
  [
    "achievements that are none",
    { cursorJson: "1", outputJson: "done" },
    `The agent's checkpoint's output_json is not JSON: unexpected "d" at line 1, column 1. Send valid JSON text.`,
  ],
  [
    "a cursor that is too large",
    { cursorJson: large },
    "The agent's checkpoint is 1048578 bytes, cursor_json and output_json together; the limit is 1048576 bytes.",
    "OUTPUT_LIMIT",
  ],
])(
  "%s fails the Run for good: the worker would send it again",
  async (_, parts, errorMessage, reason?: string) => {
    expect(await yielded(parts)).toEqual({
      type: "status",
      runId: "r",
      fence: 2,
      status: "FAILED",
      errorMessage,
      backend: null,
      output: "",
      retryable: false,
      retryAfter: 0,
      ...(reason && { reason }),
    });
  },
);
