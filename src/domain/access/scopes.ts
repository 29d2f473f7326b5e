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
  "dead_letters:read",
  "dead_letters:update",
  "templates:read",
  "templates:validate",
  "templates:register",
  "agents:read",
  "workers:read",
  "workers:drain",
  "workers:connect",
  "workers:invite",
  "workers:revoke",
  "pauses:read",
  "pauses:write",
  "keys:read",
  "keys:write",
  "inspect:read",
  "metrics:read",
  "config:read",
  "audit:read",
  "ca:admin",
] as const;

export type Scope = (typeof scopes)[number];

/**
 * The permissions of Tasker that have another name here, each with what it is here: the narrowest scope that has what they allow. So a
 * role written for Tasker can be used as it is.
 */
export const taskerPermissions = {
  "tasks:context_read": ["tasks:read"],
  "dlq:read": ["dead_letters:read"],
  "dlq:update": ["dead_letters:update"],
  "dlq:stats": ["dead_letters:read"],
  "system:config_read": ["config:read"],
  "system:handlers_read": ["agents:read"],
  "system:analytics_read": ["metrics:read"],
  "worker:config_read": ["config:read"],
  "worker:templates_read": ["templates:read"],
} as const satisfies Record<string, readonly Scope[]>;

/** The words that may stand in a role, wildcards aside. */
export const permissionNames: readonly string[] = [...scopes, ...Object.keys(taskerPermissions)];

/**
 * What a word of a role allows: a scope, a permission of Tasker, or all of one kind of thing, as `tasks:*`.
 *
 * @returns undefined if there is no such word
 */
export function scopesOf(permission: string): readonly Scope[] | undefined {
  if (permission.endsWith(":*")) {
    const kind = permission.slice(0, -1);
    const all = permissionNames.filter((name) => name.startsWith(kind));
    return all.length === 0 ? undefined : [...new Set(all.flatMap((name) => scopesOf(name) ?? []))];
  }
  if (Object.hasOwn(taskerPermissions, permission)) {
    return taskerPermissions[permission as keyof typeof taskerPermissions];
  }
  const scope = scopes.find((each) => each === permission);
  return scope && [scope];
}
