/** The agents of `csv_products`. Each worker reads only its own part of the file. */
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { AgentError, agent, createBatches, noBatches, splitIntoBatches } from "taskrun/worker";
import { z } from "zod";

/** The only folder that these agents read. */
const folder = new URL("../data/", import.meta.url);
/** Rejected rows that a batch lists; the rest are counted. */
const REJECTED_NAMED = 10;

const input = z.object({ file: z.string().regex(/^[A-Za-z0-9_-]+\.csv$/) });
/** A cursor: the number of a row, and its offset in the file in bytes. */
const cursor = z.object({ row: z.int(), byte: z.int() });

/** Splits the rows into batches. Rows of these files contain no line breaks. */
export const analyze = agent({
  name: "products_analyze",
  input: input.extend({ config: z.object({ batch_size: z.int().positive() }) }),
  async run({ file, config: { batch_size } }) {
    const bytes = await readPart(file, 0);
    const starts = [];
    for (let at = bytes.indexOf("\n") + 1; at > 0 && at < bytes.length; at = bytes.indexOf("\n", at) + 1) {
      starts.push(at);
    }
    if (starts.length === 0) return noBatches();

    const cursorAt = (row) => ({ row, byte: starts[row] ?? bytes.length });
    const batches = splitIntoBatches(starts.length, batch_size).map(({ startCursor, endCursor, ...one }) => {
      return { ...one, startCursor: cursorAt(startCursor), endCursor: cursorAt(endCursor) };
    });
    return createBatches({ workerTemplate: "process_batch", batches, totalItems: starts.length });
  },
});

export const batch = agent({
  name: "products_batch",
  input,
  async run({ file }, ctx) {
    const found = {
      rows: 0,
      rejected: 0,
      rejected_rows: [],
      stock_value_cents: 0,
      dearest: null,
      categories: {},
    };
    if (ctx.batch.isNoOp) return found;

    const [start, end] = [cursor.parse(ctx.batch.startCursor), cursor.parse(ctx.batch.endCursor)];
    const lines = (await readPart(file, start.byte, end.byte)).toString("utf8").trimEnd().split("\n");
    for (const [i, line] of lines.entries()) {
      found.rows += 1;
      const product = productOf(line);
      if (product) add(found, product);
      else {
        found.rejected += 1;
        if (found.rejected_rows.length < REJECTED_NAMED) found.rejected_rows.push(start.row + i + 1);
      }
    }
    return found;
  },
});

export const aggregate = agent({
  name: "products_aggregate",
  input: z.unknown(),
  async run(_, ctx) {
    const batches = await Promise.all(ctx.dependencies.map((name) => ctx.result(name)));
    const all = { batches: batches.length, rows: 0, rejected: 0, rejected_rows: [], stock_value_cents: 0 };
    const categories = {};
    let dearest = null;
    for (const one of batches) {
      for (const name of ["rows", "rejected", "stock_value_cents"]) all[name] += one[name];
      all.rejected_rows.push(...one.rejected_rows);
      if (one.dearest && (!dearest || one.dearest.cents > dearest.cents)) dearest = one.dearest;
      for (const [name, { products, value_cents }] of Object.entries(one.categories)) {
        const into = categoryOf(categories, name);
        into.products += products;
        into.value_cents += value_cents;
      }
    }
    return { ...all, dearest, categories };
  },
});

function add(found, { sku, category, cents, stock }) {
  const value = cents * stock;
  const into = categoryOf(found.categories, category);
  into.products += 1;
  into.value_cents += value;
  found.stock_value_cents += value;
  if (!found.dearest || cents > found.dearest.cents) found.dearest = { sku, cents };
}

function categoryOf(categories, name) {
  categories[name] ??= { products: 0, value_cents: 0 };
  return categories[name];
}

/** Returns the product of a row; undefined if the row is invalid. */
function productOf(line) {
  const [sku, , category, price, stock] = fieldsOf(line);
  const [cents, count] = [Math.round(Number(price) * 100), Number(stock)];
  if (!sku || !category || !(cents > 0) || !Number.isInteger(count) || count < 0) return undefined;
  return { sku, category, cents, stock: count };
}

/** Splits a row at commas outside quotes; a doubled quote is a quote. */
function fieldsOf(line) {
  const fields = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)) {
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return fields;
}

/** Reads the bytes of a file from one offset to another, or to its end. */
async function readPart(name, from, to) {
  const file = await open(fileURLToPath(new URL(name, folder))).catch((cause) => {
    throw new AgentError(`${name} cannot be read: ${cause.message}`, { retryable: false, cause });
  });
  try {
    const { size } = await file.stat();
    const part = Buffer.alloc((to ?? size) - from);
    await file.read(part, 0, part.length, from);
    return part;
  } finally {
    await file.close();
  }
}
