/**
 * The attacker, a process of its own: one attack, until it returns or its time is up. It says when it begins, what
 * became of it, and what became of its requests; it ends with 1 if the server answered what it must not.
 */
import { setMaxListeners } from "node:events";
import { tally } from "./kit.js";
import type { Attack } from "./target.js";

const [module = "", name = "", grpcPort, httpPort, seconds] = process.argv.slice(2);

const attacks = (await import(module)) as Record<string, Attack>;
const attack = attacks[name];
if (!attack) throw new Error(`${module} has no attack ${name}`);

const target = {
  grpcPort: Number(grpcPort),
  httpPort: Number(httpPort),
  seconds: Number(seconds),
  signal: AbortSignal.timeout(Math.round(Number(seconds) * 1_000)),
};
// A connection that the server breaks off is what many attacks are about; its error may come when nobody awaits it.
process.on("uncaughtException", () => {});
process.on("unhandledRejection", () => {});
// Each connection and worker of an attack listens for its end.
setMaxListeners(0, target.signal);
// What waits for the end of its time holds nothing that would keep this process alive.
setInterval(() => {}, 60_000);
console.log("begun");
let found = "";
try {
  await attack(target);
} catch (error) {
  found = `${error}`.slice(0, 500);
}
const { accepted, refused, why } = tally;
const requests = accepted + refused === 0 ? "" : `${accepted} requests accepted, ${refused} refused`;
console.log(JSON.stringify({ found, notes: why === "" ? requests : `${requests} (${why})` }));
process.exit(found === "" ? 0 : 1);
