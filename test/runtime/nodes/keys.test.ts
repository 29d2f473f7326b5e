import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TemplateRow } from "#domain/template/template";
import { startNodes } from "./kit/nodes.js";

test("one idempotency key through every node is one task", async () => {
  const { all } = await startNodes(4);
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, i) => all[i % all.length]?.create({ idempotencyKey: `k${i % 5}` })),
  );
  const ids = new Map<string, Set<string>>();
  made.forEach((receipt, i) => {
    const key = `k${i % 5}`;
    ids.set(key, (ids.get(key) ?? new Set()).add(receipt?.task.id ?? ""));
  });
  expect([...ids.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1]);
});

test("of two bodies of one template version the first wins on every node", async () => {
  const { all } = await startNodes(2);
  const template = (by: string): Omit<TemplateRow, "registeredAt"> => ({
    namespace: "default",
    name: "flow",
    version: "1.0.0",
    source: by,
    digest: by,
    body: { name: "flow", namespace_name: "default", version: "1.0.0", steps: [] },
  });
  const answers = await Promise.all(
    all.map((bench, i) =>
      bench.plane.register(LOCAL_CALLER, template(`body ${i}`)).catch((error: Fault) => error),
    ),
  );
  const refused = answers.filter((answer) => answer instanceof Fault);
  expect(refused.map((fault) => (fault as Fault).code)).toEqual(["template_conflict"]);
  const [winner] = answers.filter((answer) => !(answer instanceof Fault)) as TemplateRow[];
  for (const bench of all) {
    const ref = { namespace: "default", name: "flow", version: "1.0.0" };
    expect((await bench.plane.reads.template(ref))?.digest).toBe(winner?.digest);
  }
});
