import { z } from "zod";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { agent } from "#worker/index";
import { connect, fromTemplate, register, sdkWorker, step } from "../../kit.js";
import type { Target } from "../../target.js";

/** What undoes a Step is given its result, character by character, whatever that looks like. */
export async function marksUndone(target: Target): Promise<void> {
  const results = ["\0-", "\0" + "42", { a: ["\0" + "1e9"] }, "\u2028\0-1"];
  const given: string[] = [];
  const evil = agent({
    name: "evil_undo",
    input: z.looseObject({ which: z.int().optional() }),
    run: async ({ which }, ctx) => {
      if (ctx.stepName === "fails") throw new Error("as planned");
      if (!ctx.compensate) return results[which ?? 0];
      given.push(JSON.stringify(ctx.compensate.result));
      return undefined;
    },
  });
  await sdkWorker(target, [evil], "p1-undo");
  const rpc = connect(target);
  const retry = { max_attempts: 1 };
  const steps = [
    step("does", "evil_undo", { compensate: "undoes" }),
    step("fails", "evil_undo", { dependencies: ["does"], retry }),
    step("undoes", "evil_undo"),
  ];
  await register(rpc, "undone", { steps });
  for (const which of results.keys()) await fromTemplate(rpc, "undone", JSON.stringify({ which }));
  while (!target.signal.aborted && given.length < results.length) {
    await rpc.unary(TaskService.method.listTasks, { pageSize: 1 }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const wanted = results.map((result) => JSON.stringify(result)).sort();
  const wrong = given.filter((text) => !wanted.includes(text));
  if (wrong.length > 0) throw new Error(`undone were ${wrong.join(" and ")}, not ${wanted.join(" and ")}`);
}
