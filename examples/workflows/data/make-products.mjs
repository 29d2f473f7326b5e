/**
 * Writes `products.csv`: a thousand products, the same ones every time. A few rows are wrong, as in every file that
 * people have edited, and some names have commas and quotes in them.
 *
 *     node examples/workflows/data/make-products.mjs
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROWS = 1_000;
const categories = {
  garden: ["Spade", "Rake", "Watering can", "Wheelbarrow", "Hose, 20 m"],
  kitchen: ["Saucepan", "Bread knife", 'Frying pan 11"', "Colander", "Scales, digital"],
  office: ["Stapler", "Desk lamp", "Chair, swivel", "Notebook", "Whiteboard"],
  sport: ["Football", "Skipping rope", "Yoga mat", 'Bicycle tyre 28"', "Racket, junior"],
  toys: ["Kite", "Puzzle, 500 pieces", "Wooden train", "Dice", "Marbles"],
};

/** A thousand products as the text of a CSV file. */
export function productsCsv() {
  const draw = generator(20_260_117);
  const pick = (list) => list[draw(list.length)];
  const lines = ["sku,name,category,price,stock"];
  for (let i = 1; i <= ROWS; i += 1) {
    const category = pick(Object.keys(categories));
    const name = `${pick(categories[category])} ${pick(["basic", "classic", "plus", "pro"])}`;
    const price = ((99 + draw(25_000)) / 100).toFixed(2);
    const sku = `${category.slice(0, 2).toUpperCase()}-${String(i).padStart(4, "0")}`;
    const stock = i % 137 === 0 ? "?" : i % 251 === 0 ? -draw(5) - 1 : draw(400);
    lines.push([sku, quoted(name), category, i % 333 === 0 ? "" : price, stock].join(","));
  }
  return `${lines.join("\n")}\n`;
}

function quoted(text) {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whole numbers from 0 to below a bound, always the same ones: a linear congruential generator. */
function generator(start) {
  let state = start;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] === self) writeFileSync(new URL("products.csv", import.meta.url), productsCsv());
