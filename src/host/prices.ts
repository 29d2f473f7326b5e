import { readFile, stat } from "node:fs/promises";
import { Fault } from "#domain/fault";
import { nearest } from "#domain/nearest";
import { NO_PRICES, type Price, type Prices } from "#domain/task/prices";
import { limits } from "#limits/index";

/**
 * Reads a table of what models cost, in TOML: `[models."NAME"]` with `input`, `output` and, if cached input costs less, `cached_input`, in
 * US dollars for a million tokens. Read once, at the start.
 *
 * @param path empty for none
 * @throws {Fault} `invalid` naming the file, what is wrong in it, and what would be right
 */
export async function openPrices(path: string): Promise<Prices> {
  if (path === "") return NO_PRICES;
  try {
    const { size } = await stat(path);
    if (size > limits.pricesBytes) throw new Error(`it has ${size} bytes; at most ${limits.pricesBytes}`);
    return await readPrices(await readFile(path, "utf8"));
  } catch (cause) {
    throw new Fault("invalid", `prices: ${path}: ${(cause as Error).message}`, { field: "prices", cause });
  }
}

/** @throws {Error} saying what is wrong */
export async function readPrices(text: string): Promise<Prices> {
  const { parse } = await import("smol-toml");
  const { models = {}, ...rest } = tableOf(parse(text), "the file");
  refuseOthers(rest, ["models"], "");
  const entries = Object.entries(tableOf(models, "models"));
  if (entries.length > limits.pricedModels) {
    throw new Error(`it has ${entries.length} models; at most ${limits.pricedModels}`);
  }
  return new Map(entries.map(([name, price]) => [name, priceOf(price, `models.${JSON.stringify(name)}`)]));
}

const names = ["input", "output", "cached_input"] as const;

function priceOf(given: unknown, place: string): Price {
  const { input, output, cached_input: cachedInput = input, ...rest } = tableOf(given, place);
  refuseOthers(rest, names, `${place}.`);
  return {
    input: partsOf(input, `${place}.input`),
    output: partsOf(output, `${place}.output`),
    cachedInput: partsOf(cachedInput, `${place}.cached_input`),
  };
}

/** At most so many digits behind the point: a price for a million tokens then is a whole number of parts for one. */
const DIGITS = 6;
const HOW = `write dollars for a million tokens, for example 2.5 or "2.5", with at most ${DIGITS} digits behind the point`;

/**
 * A price in millionths of a millionth of a dollar for a token. A number that TOML has read is written down again in the fewest digits that
 * mean it, which are those of the file.
 */
function partsOf(given: unknown, place: string): bigint {
  const isNumber = typeof given === "number" || typeof given === "bigint" || typeof given === "string";
  if (!isNumber) throw new Error(`${place} is ${given === undefined ? "missing" : "no number"}: ${HOW}`);
  const [, whole = "", digits = ""] = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(String(given).trim()) ?? [];
  if (whole === "") throw new Error(`${place} is ${String(given).slice(0, 32)}: ${HOW}`);
  if (Number(whole) > limits.mostPrice) throw new Error(`${place} is ${given}; at most ${limits.mostPrice}`);
  return BigInt(whole + digits.padEnd(DIGITS, "0"));
}

function tableOf(value: unknown, place: string): Readonly<Record<string, unknown>> {
  const isTable =
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
  if (isTable) return value as Readonly<Record<string, unknown>>;
  throw new Error(`${place} is no table: write [models."NAME"] and below it what the model costs`);
}

function refuseOthers(rest: object, known: readonly string[], place: string): void {
  const [unknown] = Object.keys(rest);
  if (unknown === undefined) return;
  const near = nearest(unknown, known, 2);
  const way = near === undefined ? `there is ${known.join(", ")}` : `did you mean ${near}?`;
  throw new Error(`${place}${unknown.slice(0, 64)} is unknown; ${way}`);
}
