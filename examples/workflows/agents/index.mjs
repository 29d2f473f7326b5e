/** All agents of the workflows. `taskrun worker --module examples/workflows/agents/index.mjs` runs them too. */
import * as accounts from "./accounts.mjs";
import * as approval from "./approval.mjs";
import * as digest from "./digest.mjs";
import * as orders from "./orders.mjs";
import * as primes from "./primes.mjs";
import * as products from "./products.mjs";
import * as readings from "./readings.mjs";
import * as text from "./text.mjs";

export const agents = [accounts, approval, digest, orders, primes, products, readings, text].flatMap(
  Object.values,
);
