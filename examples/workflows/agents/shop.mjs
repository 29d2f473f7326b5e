/**
 * The shop of `order_fulfillment`: a warehouse, a card's bank and a carrier. It keeps a file for each order, so that
 * repeated requests are carried out once.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder of the shop's records. */
const folder = process.env.ORDERS_FOLDER ?? join(tmpdir(), "taskrun-example-orders");

const text = readFileSync(new URL("../data/catalogue.json", import.meta.url), "utf8");
export const catalogue = JSON.parse(text);
export const products = new Map(catalogue.products.map((product) => [product.sku, product]));

/** Test cards with special behaviour, as payment services offer them. */
const testCards = {
  4000000000000002: { declined: true },
  /** The bank does not answer the first two times. */
  4000000000000341: { silentTimes: 2 },
};

/** Reads an order's record; empty if there is none. */
export function recordOf(order) {
  try {
    return JSON.parse(readFileSync(pathOf(order), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
}

/** Adds to an order's record, atomically. */
export function record(order, more) {
  const path = pathOf(order);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify({ ...recordOf(order), ...more }));
  renameSync(`${path}.new`, path);
}

/** Returns the unreserved stock of a product. Read and reserve within one turn of the event loop. */
export function available(sku) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const records = names.filter((name) => name.endsWith(".json"));
  const reserved = records
    .flatMap((name) => recordOf(name.slice(0, -".json".length)).reserved ?? [])
    .filter((line) => line.sku === sku);
  return products.get(sku).stock - reserved.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Asks the card's bank for money: `"charged"`, `"declined"`, or `"silent"` if it does not answer. */
export function charge(order, card) {
  const { charges = 0 } = recordOf(order);
  record(order, { charges: charges + 1 });
  const { declined = !hasCheckDigit(card), silentTimes = 0 } = testCards[card] ?? {};
  if (declined) return "declined";
  return charges < silentTimes ? "silent" : "charged";
}

/** Checks a card number by Luhn's formula. */
function hasCheckDigit(card) {
  const digits = [...card].reverse().map(Number);
  const sum = digits.reduce(
    (all, digit, i) => all + (i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)),
    0,
  );
  return sum % 10 === 0;
}

function pathOf(order) {
  return join(folder, `${order}.json`);
}
