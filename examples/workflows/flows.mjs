/** The input of each workflow, and how to print its result. */
import { readFileSync } from "node:fs";

function json(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
}

/** Reads the sample input of a workflow. */
export function inputFor(name) {
  return json(`inputs/${name}.json`);
}

/** The tickets of the demo, as a week's worth. */
export function weekOfTickets() {
  return { week: "2026-04", tickets: json("../tickets.json") };
}

/** Formats cents for people. */
function money(cents) {
  return (cents / 100).toFixed(2);
}

/** The sample order, to a country that no carrier serves. */
export function undeliverable() {
  const order = inputFor("order_fulfillment");
  return { ...order, address: { ...order.address, city: "Longyearbyen", country: "SJ" } };
}

const example = (name) => ({ namespace: "example", name });
const approval = (amount) => ({
  template: example("approval_routing"),
  input: { ...inputFor("approval_routing"), amount },
  say: ({ approved, approvals }) => `${approved ? "approved" : "refused"} (${approvals.join("; ")})`,
});

/** In the order in which they run. `signal` is sent when its step waits for it. */
export const flows = [
  {
    template: example("linear_workflow"),
    input: inputFor("linear_workflow"),
    say: ({ words, top }) => `${words} words, most often ${top.map(({ word }) => word).join(", ")}`,
  },
  {
    template: example("diamond_workflow"),
    input: inputFor("diamond_workflow"),
    say: ({ usable, median, outliers }) =>
      `${usable ? "usable" : "useless"}, median ${median} °C, outliers at ${outliers.join(", ")}`,
  },
  {
    template: example("reconcile_accounts"),
    input: inputFor("reconcile_accounts"),
    say: ({ matched, closing_cents, unmatched_books, unmatched_bank }) =>
      `${matched} matched, not ${[...unmatched_books, ...unmatched_bank].join(", ")}; closes with ${money(closing_cents)}`,
  },
  {
    template: example("count_primes"),
    input: inputFor("count_primes"),
    say: ({ limit, primes, twins }) => `${primes} primes below ${limit}, ${twins} pairs of twins`,
  },
  approval(500),
  approval(2_500),
  approval(7_200),
  {
    template: example("csv_products"),
    input: inputFor("csv_products"),
    say: ({ rows, batches, rejected, stock_value_cents }) =>
      `${rows} rows in ${batches} batches, ${rejected} rejected, stock worth ${money(stock_value_cents)}`,
  },
  {
    template: example("ticket_digest"),
    input: weekOfTickets(),
    signal: { name: "approval", payload: { approved: true, by: "Grace" } },
    say: ({ published, by, words }) => `${published ? "published" : "held back"} by ${by}, ${words} words`,
  },
  {
    template: { namespace: "orders", name: "order_fulfillment", version: "1.0.0" },
    input: inputFor("order_fulfillment"),
    say: ({ tracking, parcels, shipping_cents }) =>
      `${parcels} parcel ${tracking}, shipping ${money(shipping_cents)}`,
  },
  {
    template: { namespace: "orders", name: "order_fulfillment", version: "1.0.0" },
    input: undeliverable(),
    say: () => "",
  },
];
