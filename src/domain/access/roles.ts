import { type Scope, scopes } from "./scopes.js";

const viewer = [
  "tasks:read",
  "tasks:list",
  "steps:read",
  "dead_letters:read",
  "templates:read",
  "templates:validate",
  "agents:read",
  "workers:read",
  "pauses:read",
] as const satisfies readonly Scope[];

/** The roles that every server has. */
export const builtInRoles = {
  /** Sees everything of its namespaces, and changes nothing. */
  viewer,
  /** Runs Tasks, and directs what is going on. */
  operator: [
    ...viewer,
    "tasks:create",
    "tasks:cancel",
    "tasks:signal",
    "tasks:retry",
    "steps:resolve",
    "dead_letters:update",
    "templates:register",
    "workers:drain",
    "pauses:write",
    "metrics:read",
    "config:read",
  ],
  /** Does everything, credentials included. */
  admin: scopes,
  /** Runs agents, and nothing else. */
  worker: ["workers:connect"],
} as const satisfies Record<string, readonly Scope[]>;

export const builtInRoleNames = Object.keys(builtInRoles) as (keyof typeof builtInRoles)[];

/** Roles of a configuration, by name. */
export type CustomRoles = ReadonlyMap<string, readonly Scope[]>;

/** What each role of a server may do: those that every server has, and those of its configuration. */
export class RoleTable {
  readonly #scopes: ReadonlyMap<string, ReadonlySet<Scope>>;

  /** @param custom none of them has the name of a built-in one */
  constructor(custom: CustomRoles = new Map()) {
    const all = [...Object.entries<readonly Scope[]>(builtInRoles), ...custom];
    this.#scopes = new Map(all.map(([name, held]) => [name, new Set(held)]));
  }

  /** The built-in ones first. */
  get names(): readonly string[] {
    return [...this.#scopes.keys()];
  }

  has(name: string): boolean {
    return this.#scopes.has(name);
  }

  /** True if one of the roles has the scope. A role that the server does not have has none. */
  allows(held: readonly string[], scope: Scope): boolean {
    return held.some((role) => this.#scopes.get(role)?.has(scope) === true);
  }

  /** True if all that the second role may do, the first roles may do too; false for a role that the server does not have. */
  covers(held: readonly string[], wanted: string): boolean {
    const scopesWanted = this.#scopes.get(wanted);
    return scopesWanted !== undefined && [...scopesWanted].every((scope) => this.allows(held, scope));
  }
}
