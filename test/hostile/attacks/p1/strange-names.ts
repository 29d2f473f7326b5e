import { connect, fromTemplate, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

const STRANGE = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "length"];

/** Keys, labels, steps, signals and paths named like what every object of JavaScript has. */
export async function strangeNames(target: Target): Promise<void> {
  const rpc = connect(target);
  const steps = STRANGE.flatMap((name, i) => [
    step(name, ECHO, { dependencies: STRANGE.slice(0, i) }),
    { ...step(`fan-${i}`, ECHO), type: "map", map: { over: `input/${name}` } },
    {
      ...step(`of-${i}`, ECHO, { dependencies: [name] }),
      type: "map",
      map: { over: `results/${name}/list` },
    },
    { name: `sig-${i}`, type: "signal", signal: { name, timeout_ms: 10, default: { [name]: null } } },
  ]);
  await register(rpc, "strange", { steps });
  for (const name of STRANGE)
    await register(rpc, name, { steps: [step(name, ECHO, { compensate: "undo" }), step("undo", ECHO)] });
  const input = `{${STRANGE.map((name) => `"${name}":[1,{"__proto__":{"list":[1]}}]`).join(",")},"list":[1]}`;
  const labels = Object.fromEntries(STRANGE.map((name) => [name, name]));
  for (let i = 0; i < 20 && !target.signal.aborted; i += 1) {
    await fromTemplate(rpc, "strange", input, { labels, correlationId: "__proto__" });
    await fromTemplate(rpc, STRANGE[i % STRANGE.length] ?? "", input, {
      labels,
      workerSelector: { constructor: "x" },
    });
  }
}
