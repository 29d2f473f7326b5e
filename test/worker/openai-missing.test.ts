import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chatClientClass } from "#worker/openai/client";

test("without the package an openai agent fails for good, and says how to install it", () => {
  expect(() => chatClientClass([join(tmpdir(), "nowhere", "package.json")])).toThrow(
    expect.objectContaining({
      message: "an openai agent needs the package openai: run `npm install openai` where the worker runs",
      retryable: false,
    }),
  );
});
