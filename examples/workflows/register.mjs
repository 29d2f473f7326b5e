/** Registers the templates of this folder: those in `templates/` and those in code. */
import { readdirSync, readFileSync } from "node:fs";
import { countPrimes } from "./count-primes.mjs";
import { ticketDigest } from "./ticket-digest.mjs";

const folder = new URL("templates/", import.meta.url);

/** Idempotent, so it can run at every start. @returns the server's answer for each template */
export async function registerAll(client) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const sources = files.map((name) => readFileSync(new URL(name, folder), "utf8"));
  const all = [];
  for (const source of [...sources, ticketDigest.source, countPrimes.source]) {
    all.push(await client.templates.register(source));
  }
  return all;
}
