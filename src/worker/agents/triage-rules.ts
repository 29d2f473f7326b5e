/* The rules of `support_triage`: words that indicate a category, and words that change the priority. */

export const categories = [
  "outage",
  "security",
  "billing",
  "account",
  "bug",
  "performance",
  "how_to",
  "feature_request",
  "cancellation",
  "general",
] as const;
export type Category = (typeof categories)[number];

/** From most to least urgent. */
export const priorities = ["urgent", "high", "normal", "low"] as const;
export type Priority = (typeof priorities)[number];

export const teams: Readonly<Record<Category, string>> = {
  outage: "site-reliability",
  security: "security",
  billing: "billing",
  account: "accounts",
  bug: "engineering-support",
  performance: "site-reliability",
  how_to: "customer-success",
  feature_request: "product",
  cancellation: "retention",
  general: "front-desk",
};

/** The priority of a ticket of each category before {@link pressures} change it. */
export const basePriority: Readonly<Record<Category, Priority>> = {
  outage: "urgent",
  security: "high",
  billing: "normal",
  account: "normal",
  bug: "normal",
  performance: "normal",
  how_to: "low",
  feature_request: "low",
  cancellation: "normal",
  general: "low",
};

export interface Rule {
  readonly category: Category;
  /** Matches whole words, in text that is lower case. */
  readonly pattern: RegExp;
  /** 1: a hint. 2: usual for the category. 4: almost certain. */
  readonly weight: 1 | 2 | 4;
}

function rule(category: Category, weight: Rule["weight"], ...words: readonly string[]): Rule {
  return { category, weight, pattern: new RegExp(`\\b(?:${words.join("|")})\\b`, "g") };
}

export const rules: readonly Rule[] = [
  rule(
    "outage",
    4,
    "outage",
    "(?:is|are|went|been|completely) down",
    "not reachable",
    "unreachable",
    "offline",
  ),
  rule(
    "outage",
    2,
    "50[0234]s?",
    "all (?:users|customers)",
    "everyone",
    "nobody can",
    "status page",
    "production",
  ),
  rule("security", 4, "breach(?:ed)?", "hacked", "phish(?:ing|ed)", "vulnerabilit(?:y|ies)", "leak(?:ed|s)?"),
  rule("security", 2, "suspicious", "unauthori[sz]ed", "compromised", "malware", "stolen", "cve-\\d+-\\d+"),
  rule("billing", 4, "invoices?", "refund(?:ed|s)?", "charged", "overcharged", "billing"),
  rule(
    "billing",
    2,
    "payments?",
    "credit card",
    "receipts?",
    "vat",
    "tax",
    "subscription",
    "price",
    "pricing",
  ),
  rule("account", 4, "log ?in", "sign ?in", "password", "locked out", "2fa", "mfa", "sso", "two.factor"),
  rule(
    "account",
    2,
    "accounts?",
    "e-?mail address",
    "permissions?",
    "invite",
    "username",
    "profile",
    "access",
  ),
  rule("bug", 4, "bugs?", "crash(?:es|ed|ing)?", "stack ?trace", "exception", "regression"),
  rule(
    "bug",
    2,
    "errors?",
    "broken",
    "fails?",
    "failed",
    "failing",
    "wrong",
    "does(?:n't| not) work",
    "not working",
  ),
  rule("bug", 1, "unexpected", "missing", "stuck", "since the (?:last )?update"),
  rule("performance", 4, "slow(?:ly|er|ness)?", "latency", "time(?:s|d)? ?out", "timeouts?"),
  rule(
    "performance",
    2,
    "lag(?:s|gy|ging)?",
    "takes (?:forever|minutes|ages)",
    "high (?:cpu|memory)",
    "freez(?:es|ing)",
  ),
  rule("how_to", 4, "how (?:do|can|to|would|does)", "tutorial", "documentation", "docs"),
  rule(
    "how_to",
    2,
    "where (?:do|can|is)",
    "is it possible",
    "example",
    "guide",
    "set ?up",
    "configure",
    "help",
  ),
  rule("feature_request", 4, "feature request", "would be (?:nice|great)", "please add", "roadmap"),
  rule(
    "feature_request",
    2,
    "suggest(?:ion)?",
    "support for",
    "integration with",
    "wish",
    "dark mode",
    "could you add",
  ),
  rule(
    "cancellation",
    4,
    "cancel(?:l?ing|lation)? (?:my|our|the|this)",
    "close (?:my|our) account",
    "delete my account",
  ),
  rule(
    "cancellation",
    2,
    "unsubscribe",
    "switch(?:ing)? to",
    "competitor",
    "leaving",
    "end (?:my|our) contract",
  ),
];

export interface Pressure {
  readonly why: string;
  readonly pattern: RegExp;
  /** Steps up the list of priorities; negative is down. */
  readonly steps: 1 | 2 | -1;
}

export const pressures: readonly Pressure[] = [
  {
    why: "asks for it at once",
    steps: 1,
    pattern: /\b(?:urgent(?:ly)?|asap|immediately|right now|critical|emergency)\b/,
  },
  {
    why: "work has stopped",
    steps: 1,
    pattern: /\b(?:blocked|blocker|blocking|can(?:'t|not) work|stopped working)\b/,
  },
  {
    why: "data is being lost",
    steps: 2,
    pattern: /\b(?:data loss|lost (?:all|our|my) data|deleted everything|corrupt(?:ed|ion)?)\b/,
  },
  {
    why: "many are affected",
    steps: 1,
    pattern: /\b(?:all (?:of )?(?:our |the )?(?:users|customers)|everyone|whole (?:team|company))\b/,
  },
  {
    why: "the law may be involved",
    steps: 1,
    pattern: /\b(?:lawyers?|legal action|gdpr|regulators?|chargeback)\b/,
  },
  {
    why: "it can wait",
    steps: -1,
    pattern:
      /\b(?:no (?:rush|hurry)|whenever you (?:can|have)|not urgent|when you get a chance|low priority)\b/,
  },
];
