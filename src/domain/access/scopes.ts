/** What a credential may allow, each a kind of thing and what is done to it. The set is closed. */
export const scopes = [
  "tasks:create",
  "tasks:read",
  "tasks:list",
  "tasks:cancel",
  "tasks:signal",
  "tasks:retry",
  "steps:read",
  "steps:resolve",
  "templates:read",
  "templates:validate",
  "templates:register",
  "agents:read",
  "workers:read",
  "workers:drain",
  "workers:connect",
  "keys:read",
  "keys:write",
  "inspect:read",
  "metrics:read",
  "audit:read",
] as const;

export type Scope = (typeof scopes)[number];

const viewer = [
  "tasks:read",
  "tasks:list",
  "steps:read",
  "templates:read",
  "templates:validate",
  "agents:read",
  "workers:read",
] as const satisfies readonly Scope[];

/** Scopes under one name. */
export const roles = {
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
    "templates:register",
    "workers:drain",
    "metrics:read",
  ],
  /** Does everything, credentials included. */
  admin: scopes,
  /** Runs agents, and nothing else. */
  worker: ["workers:connect"],
} as const satisfies Record<string, readonly Scope[]>;

export type Role = keyof typeof roles;
export const roleNames = Object.keys(roles) as Role[];

/** True if all that the second role may do, the first roles may do too. */
export function covers(held: readonly string[], wanted: Role): boolean {
  return roles[wanted].every((scope) => allows(held, scope));
}

/** True if one of the roles has the scope. An unknown role has none. */
export function allows(held: readonly string[], scope: Scope): boolean {
  return held.some((role) => {
    const allowed: readonly Scope[] | undefined = Object.hasOwn(roles, role)
      ? roles[role as Role]
      : undefined;
    return allowed?.includes(scope) === true;
  });
}
