import { connect, fromTemplate, register, untilTimeIsUp } from "../../kit.js";
import { EVIL, type Target } from "../../target.js";

/** A template whose twenty steps are Tasks of itself: twenty to the power of eight of them, were it let. */
export async function childrenOfChildren(target: Target): Promise<void> {
  const rpc = connect(target);
  const template = { namespace: EVIL, name: "brood" };
  const retry = { max_attempts: 3, backoff_base_ms: 0 };
  const steps = Array.from({ length: 20 }, (_, i) => ({
    name: `c${i}`,
    type: "child_task",
    child: { template },
    retry,
  }));
  await register(rpc, "brood", { steps });
  const id = await fromTemplate(rpc, "brood", JSON.stringify({ pad: "x".repeat(1_000) }), {
    timeoutMs: 1_500n,
  });
  if (!id) throw new Error("the Task was refused");
  await untilTimeIsUp(target);
}
