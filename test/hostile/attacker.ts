/**
 * The attacker, a process of its own: one attack, until it returns or its time is up. It says when it begins, what
 * became of it, and what became of its requests; it ends with 1 if the server answered what it must not.
 */
import { once, setMaxListeners } from "node:events";
import { createInterface } from "node:readline";
import { tally } from "./kit.js";
import type { Attack, Target } from "./target.js";

/** What it is told on its first line. */
export type Order = Omit<Target, "signal">;

/** What an attack has to put an end to itself when its time is up. */
const GRACE_MS = 300;

const [module = "", name = ""] = process.argv.slice(2);

const attacks = (await import(module)) as Record<string, Attack>;
const attack = attacks[name];
if (!attack) throw new Error(`${module} has no attack ${name}`);

// It was started ahead of its time, which begins when it is told against whom.
const [line] = (await once(createInterface(process.stdin), "line")) as [string];
const order: Order = JSON.parse(line);
const target = { ...order, signal: AbortSignal.timeout(Math.round(order.seconds * 1_000)) };
// A connection that the server breaks off is what many attacks are about; its error may come when nobody awaits it.
process.on("uncaughtException", () => {});
process.on("unhandledRejection", () => {});
// Each connection and worker of an attack listens for its end.
setMaxListeners(0, target.signal);
// What waits for the end of its time holds nothing that would keep this process alive.
setInterval(() => {}, 60_000);
console.log("begun");
let found = "";
// Some wait for an answer when their time is up; what they hold is let go of with this process.
const late = new Promise<void>((resolve) => {
  target.signal.addEventListener("abort", () => setTimeout(resolve, GRACE_MS));
});
try {
  await Promise.race([attack(target), late]);
} catch (error) {
  found = `${error}`.slice(0, 500);
}
const { accepted, refused, why } = tally;
const requests = accepted + refused === 0 ? "" : `${accepted} requests accepted, ${refused} refused`;
console.log(JSON.stringify({ found, notes: why === "" ? requests : `${requests} (${why})` }));
process.exit(found === "" ? 0 : 1);
