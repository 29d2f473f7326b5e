/**
 * # Sums of usage
 *
 * What is kept of what agents have used, by day, namespace, agent and model. It outlives Tasks.
 */
export const usage = {
  /** Sums of one namespace and day: what is used of further agents and models is one sum more, since workers make up their names. */
  usageSumsPerDay: 1_000,
  /** Days for which sums are kept: more than a year, so that months can be compared. */
  usageDays: 400,
  /** Days that are looked at if nobody says which. */
  usageDaysShown: 30,
  /** Sums that one request looks at, to make those of it that are asked for: some milliseconds. */
  usageSumsRead: 10_000,
  /** Sums to a page, unless somebody asks for fewer or more. */
  usagePage: 200,
  /** Sums to a page at most. */
  usagePageMost: 1_000,
  /** Namespaces, agents and models that metrics tell apart together: each is a few series for as long as the process lives. */
  usageSeries: 500,
  /** Models that a price table may have. */
  pricedModels: 1_000,
  /** The size of a price table, in bytes. */
  pricesBytes: 256 * 1_024,
  /** What a million tokens may cost in dollars: far more than any model does. */
  mostPrice: 1_000_000,
} as const;
