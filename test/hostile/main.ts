/**
 * `npm run test:hostile`: attacks on a real server, each by a process pinned to one core, beside an honest client
 * and honest workers at ordinary work. Every file in `attacks/` is one.
 *
 *     npm run test:hostile -- [--seconds 180] [--requests 4000] [--only NAME]... [--json FILE]
 *
 * First, so many malformed requests go to a server of their own, whose memory has to stay as it is (`steady-memory`).
 *
 * These gate: the server does not end, holds less than 600 MB, does all that it has acknowledged and nothing twice,
 * and is idle in the end. How long the honest client had to wait is printed beside what it waits while a busy
 * loop has the attacker's core, and marked where it misses the aim. Ends with 1 if a gate does not hold.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Arena, attackersCore, startAttacker } from "./arena.js";
import { catalogue } from "./catalogue.js";
import { STEADY, steadyMemory } from "./steady.js";
import { type Row, tableOf } from "./table.js";

/** What a round takes beside its attack, at first: processes that start, and a server that comes to rest. */
const BETWEEN_S = 1.5;
const BASELINE_S = 6;
/** No attack has less time, even if all of them then take longer than they should. */
const ATTACK_MIN_S = 1;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "180" },
    requests: { type: "string", default: "4000" },
    only: { type: "string", multiple: true, default: [] },
    json: { type: "string", default: "" },
  },
});
// The children end when this process does, and the server is killed on its exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const isWanted = (name: string) =>
  values.only.length === 0 || values.only.some((part) => name.includes(part));
const attacks = (await catalogue()).filter(({ name }) => isWanted(name));
if (attacks.length === 0 && !isWanted(STEADY)) {
  console.error(`test:hostile: no attack is called ${values.only.join(" or ")}`);
  process.exit(2);
}
const end = performance.now() / 1_000 + Number(values.seconds);
if (attackersCore === undefined) console.log("skipped: no taskset here, so the attacker shares every core");

const rows: Row[] = [];
const outcomes: boolean[] = [];
if (isWanted(STEADY)) {
  const { failures, notes } = await steadyMemory(Number(values.requests));
  said(STEADY, notes, failures);
}
if (attacks.length === 0) await finish("");
const miscounted: string[] = [];
let highWaterMb = 0;
let arena = await Arena.open();
await arena.baseline(BASELINE_S / 2); // everything is compiled after this
const baseline = await arena.baseline(BASELINE_S / 2);
const begun = performance.now() / 1_000;
let attacking = 0;
let group = groupOf(attacks[0]);
let next = attacks[0] && startAttacker(attacks[0]);
for (const [i, attack] of attacks.entries()) {
  // V8 gives memory back late: a server is judged by the attacks of one kind, not by all there are.
  if (groupOf(attack) !== group) await anew();
  group = groupOf(attack);
  const seconds = secondsFor(i);
  attacking += seconds;
  const attacker = next ?? startAttacker(attack);
  const following = attacks[i + 1];
  const row = await arena.attack(attack.name, attacker, seconds, () => {
    next = following && startAttacker(following);
  });
  rows.push(row);
  const { name, failures, notes } = row;
  said(name, notes, failures);
  highWaterMb = Math.max(highWaterMb, arena.server.highWaterMb);
  // What comes next is to be judged by itself.
  if (failures.length > 0) await anew();
}
miscounted.push(...(await arena.count()));
await arena.close();

outcomes.push(miscounted.length === 0);
console.log(`\n${tableOf(baseline, rows)}\n`);
for (const problem of miscounted) console.log(`FAILED  in the end: ${problem}`);
console.log(`at most ${highWaterMb} MB by the system's count (VmHWM)`);
await finish(` (${attacks.length} attacks and a count of all Tasks)`);

function said(name: string, notes: string, failures: readonly string[]): void {
  const isHeld = failures.length === 0;
  outcomes.push(isHeld);
  console.log(`${isHeld ? "ok    " : "FAILED"}  ${[name, notes, ...failures].filter(Boolean).join("; ")}`);
}

/** Says what came of all, and ends. */
async function finish(what: string): Promise<never> {
  const passed = outcomes.filter(Boolean).length;
  const failed = outcomes.length - passed;
  console.log(`hostile: ${passed} held, ${failed} did not${what}`);
  if (values.json !== "") await writeFile(values.json, `${JSON.stringify({ passed, failed, rows })}\n`);
  process.exit(failed > 0 ? 1 : 0);
}

/** Another server, without data; what the last one was told is counted first. */
async function anew(): Promise<void> {
  if (arena.server.end === undefined) miscounted.push(...(await arena.count()));
  await arena.close();
  arena = await Arena.open();
}

/** The attacks that are left share the time that is left, less what rounds have taken beside their attacks. */
function secondsFor(i: number): number {
  const now = performance.now() / 1_000;
  const between = i === 0 ? BETWEEN_S : (now - begun - attacking) / i;
  return Math.max(ATTACK_MIN_S, (end - now) / (attacks.length - i) - between);
}

/** `p1` to `p6`: the point of what must hold that an attack is about. */
function groupOf(attack: { readonly name: string } | undefined): string {
  return attack?.name.slice(0, 2) ?? "";
}
