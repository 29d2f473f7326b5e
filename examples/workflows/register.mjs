/** Makes the templates of this folder known to a server: those of `templates/`, and those that are code. */
import { readdirSync, readFileSync } from "node:fs";
import { countPrimes } from "./count-primes.mjs";
import { ticketDigest } from "./ticket-digest.mjs";

const folder = new URL("templates/", import.meta.url);

/** Registering the same template once more changes nothing, so this may be done at every start. @returns what the server says of each */
export async function registerAll(client) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const sources = files.map((name) => readFileSync(new URL(name, folder), "utf8"));
  const all = [];
  for (const source of [...sources, ticketDigest.source, countPrimes.source]) {
    all.push(await client.templates.register(source));
  }
  return all;
}
