import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { protoComments } from "./comments.js";

const file = fileURLToPath(new URL("../../proto/taskrun/v1/comments.json", import.meta.url));

test("the comments that the OpenAPI document has are those of the protos", async () => {
  const text = `${JSON.stringify(protoComments(), undefined, 1)}\n`;
  await expect(text, "write it anew with: npm run docs").toMatchFileSnapshot(file);
});
