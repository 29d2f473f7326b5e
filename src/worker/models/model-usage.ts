import type { AgentContext } from "../agent/context.js";
import type { UsageReport } from "../agent/durable.js";

/** Reports usage, without counts that are 0; nothing if all are, and it has cost nothing. */
export function reportUsage(ctx: AgentContext, { model, usdMicros, ...counts }: UsageReport): void {
  const counted = Object.entries(counts).filter(([, count]) => count !== undefined && count > 0);
  if (model === "" || (counted.length === 0 && !usdMicros)) return;
  ctx.usage({ model, ...Object.fromEntries(counted), ...(usdMicros !== undefined && { usdMicros }) });
}
