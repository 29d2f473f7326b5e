import fc from "fast-check";
import { expect, test } from "vitest";
import { readTemplate } from "#templates/index";
import { begin, shown, work, workflowBed } from "../kit/workflow-bench.js";

const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"];

test("steps, maps, batches, agents, environments and inputs may be called as members of every object are", async () => {
  const drawn = fc.uniqueArray(fc.constantFrom(...names), { minLength: 4, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(drawn, fc.constantFrom(...names), async ([each, split, part, sum], agent) => {
      const own = (value: unknown) => `{ ${JSON.stringify(agent)}: ${JSON.stringify(value)} }`;
      const handler = `handler: { callable: echo, initialization: ${own(1)} }`;
      const { template, findings } = readTemplate(`
name: ${agent}
namespace_name: default
version: 1.0.0
metadata: ${own("kept")}
steps:
  - { name: ${each}, type: map, ${handler}, map: { over: input/${agent}, concurrency: 1 } }
  - { name: ${split}, type: batchable, ${handler}, batch_config: { worker_template: ${part}, parallelism: 1 } }
  - { name: ${part}, type: batch_worker, ${handler}, dependencies: [${split}] }
  - { name: ${sum}, ${handler}, dependencies: [${part}, ${each}] }
environments:
  ${agent}: { steps: [{ name: ${sum}, timeout_seconds: 5 }] }
`);
      expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
      if (!template) return;
      const { bench, worker } = await workflowBed();
      const input = JSON.parse(own([1, 2]));
      const { task } = await begin(bench, template.body, { input });
      const seen: string[] = [];
      await work(bench, worker, ({ stepName, results }, { config }) => {
        expect(Object.entries(config as object)).toEqual([[agent, 1]]);
        if (stepName === sum) seen.push(...Object.keys(results));
        const cursor_configs = ["a", "b"].map((batch_id) => ({ batch_id }));
        return { result: { batch_processing_outcome: { type: "create_batches", cursor_configs } } };
      });
      expect(await shown(bench, task.id)).toMatch(/^complete/);
      expect(seen.sort()).toEqual([`${part}_a`, `${part}_b`, each].sort());
    }),
    { numRuns: 40 },
  );
});
