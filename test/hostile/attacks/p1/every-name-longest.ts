import { connect, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

/** Nine hundred steps of the longest names before one, each with a result too large to go along, or a failure. */
export async function everyNameLongest(target: Target): Promise<void> {
  const rpc = connect(target);
  const name = (i: number) => `${i}`.padStart(4, "s").padEnd(128, "x");
  const before = Array.from({ length: 900 }, (_, i) =>
    i % 2 === 0
      ? step(name(i), ECHO)
      : { name: name(i), type: "signal", signal: { name: name(i), timeout_ms: 1 + (i % 50), default: i } },
  );
  const last = { ...step("last", ECHO), dependencies: before.map((_, i) => name(i)) };
  await register(rpc, "longest", { steps: [...before, last] });
  const labels = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${i}`, "é".repeat(128)]));
  for (let i = 0; i < 3 && !target.signal.aborted; i += 1) {
    await fromTemplate(rpc, "longest", JSON.stringify({ pad: "x".repeat(20_000) }), { labels });
  }
}
