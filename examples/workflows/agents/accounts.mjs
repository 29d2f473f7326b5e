/** The agents of `reconcile_accounts`, which match a month of a company's books with its bank statement, in cents. */
import { AgentError, agent } from "taskrun/worker";
import { z } from "zod";

/** How many days later than the books the bank may book a payment. */
const DAYS_LATE = 4;
const DAY_MS = 24 * 3_600_000;

export const open = agent({
  name: "accounts_open",
  input: z.object({ month: z.string() }),
  async run({ month }) {
    const [year, number] = month.split("-").map(Number);
    const days = new Date(Date.UTC(year, number, 0)).getUTCDate();
    return { first: `${month}-01`, last: `${month}-${days}` };
  },
});

export const books = agent({
  name: "accounts_books",
  input: z.object({ books: z.array(z.string()) }),
  async run({ books: lines }, ctx) {
    const { first, last } = await ctx.result("open_month");
    const entries = lines.map((line) => {
      const [date, reference, account, amount] = line.split(";");
      return { date, reference, account, cents: cents(amount) };
    });
    return { entries: entries.filter(({ date }) => first <= date && date <= last) };
  },
});

export const bank = agent({
  name: "accounts_bank",
  input: z.object({ bank: z.array(z.string()) }),
  async run({ bank: lines }, ctx) {
    const { last } = await ctx.result("open_month");
    const entries = lines.map((line) => {
      const [date, amount, text] = line.split(";");
      return { date, cents: cents(amount), text };
    });
    return { entries: entries.filter(({ date }) => date <= last) };
  },
});

/** An entry matches a line if the amounts are equal, the days are near, and the line names it or nothing else fits. */
export const match = agent({
  name: "accounts_match",
  input: z.unknown(),
  async run(_, ctx) {
    const { entries: ours } = await ctx.result("books");
    const { entries: theirs } = await ctx.result("bank");
    const open = new Set(theirs.keys());
    const pairs = new Map();
    const take = (entry, fits) => {
      const found = [...open].filter((i) => near(entry, theirs[i]) && fits(theirs[i]));
      if (found.length !== 1) return;
      open.delete(found[0]);
      pairs.set(entry.reference, found[0]);
    };
    for (const entry of ours) take(entry, ({ text }) => text.includes(entry.reference));
    for (const entry of ours) if (!pairs.has(entry.reference)) take(entry, () => true);
    return {
      matched: pairs.size,
      books: ours.filter(({ reference }) => !pairs.has(reference)),
      bank: [...open].map((i) => theirs[i]),
    };
  },
});

export const totals = agent({
  name: "accounts_totals",
  input: z.unknown(),
  async run(_, ctx) {
    const { entries } = await ctx.result("books");
    const accounts = {};
    for (const { account, cents } of entries) accounts[account] = (accounts[account] ?? 0) + cents;
    return { accounts, sum_cents: sumOf(entries) };
  },
});

export const balance = agent({
  name: "accounts_balance",
  input: z.object({ opening_cents: z.int() }),
  async run({ opening_cents }, ctx) {
    const { entries } = await ctx.result("bank");
    let now = opening_cents;
    let lowest = { date: "", cents: now };
    for (const { date, cents } of entries.toSorted((a, b) =>
      a.date < b.date ? -1 : a.date > b.date ? 1 : 0,
    )) {
      now += cents;
      if (now < lowest.cents) lowest = { date, cents: now };
    }
    return { closing_cents: now, lowest };
  },
});

export const close = agent({
  name: "accounts_close",
  input: z.object({ month: z.string(), opening_cents: z.int() }),
  async run({ month, opening_cents }, ctx) {
    const { matched, books: ours, bank: theirs } = await ctx.result("match");
    const { accounts, sum_cents } = await ctx.result("totals");
    const { closing_cents, lowest } = await ctx.result("balance");
    const difference = closing_cents - (opening_cents + sum_cents);
    // The unmatched entries must explain the whole difference; otherwise a match was wrong.
    const explained = sumOf(theirs) - sumOf(ours);
    if (difference !== explained) {
      throw new AgentError(`the difference is ${difference} cents, of which ${explained} are explained`, {
        retryable: false,
      });
    }
    return {
      month,
      matched,
      unmatched_books: ours.map(({ reference }) => reference),
      unmatched_bank: theirs.map(({ text }) => text),
      accounts,
      closing_cents,
      lowest,
      difference_cents: difference,
    };
  },
});

function near(entry, line) {
  const days = (Date.parse(line.date) - Date.parse(entry.date)) / DAY_MS;
  return entry.cents === line.cents && days >= 0 && days <= DAYS_LATE;
}

function sumOf(entries) {
  return entries.reduce((sum, { cents }) => sum + cents, 0);
}

/** Converts `-1234.50` to cents; sums of fractions would not be exact. */
function cents(amount) {
  const parts = /^(-?)(\d+)\.(\d\d)$/.exec(amount);
  if (!parts) throw new AgentError(`"${amount}" is no amount such as -1234.50`, { retryable: false });
  const [, sign, whole, rest] = parts;
  return (sign === "-" ? -1 : 1) * (Number(whole) * 100 + Number(rest));
}
