import { z } from "zod";
import { builtInRoleNames, type CustomRoles } from "#domain/access/roles";
import { permissionNames, type Scope, scopesOf } from "#domain/access/scopes";
import { nearest } from "#domain/nearest";
import { limits } from "#limits/index";
import type { Setting, Values } from "./setting.js";

const ADVICE =
  'write a table of roles, for example { auditor = ["tasks:read", "tasks:list"] }, or auditor=tasks:read+tasks:list';

/** `NAME=SCOPE+SCOPE`, for flags and the environment, as an entry of the table that stands in the file. */
function entryOf(text: string): readonly [string, readonly string[]] {
  const at = text.indexOf("=");
  if (at === -1) return [text, []];
  return [
    text.slice(0, at).trim(),
    text
      .slice(at + 1)
      .split("+")
      .map((word) => word.trim()),
  ];
}

/** Roles by name, each with its scopes. Everything that is wrong is said, each with the name of its role. */
const roleTable = {
  schema: z
    .union(
      [
        z.array(z.string()).transform((texts) => texts.map(entryOf)),
        z.record(z.string(), z.array(z.string())).transform(Object.entries<readonly string[]>),
      ],
      ADVICE,
    )
    .transform((entries, { issues }): CustomRoles => {
      const roles = new Map<string, readonly Scope[]>();
      const refuse = (message: string) => issues.push({ code: "custom", message, input: "" });
      if (entries.length > limits.roles)
        refuse(`there are ${entries.length} roles; the limit is ${limits.roles}`);
      for (const [name, words] of entries.slice(0, limits.roles)) {
        const problems = roleProblems(name, words, roles.has(name));
        for (const problem of problems) refuse(`role ${JSON.stringify(name.slice(0, 64))} ${problem}`);
        if (problems.length === 0)
          roles.set(name, [...new Set(words.flatMap((word) => scopesOf(word) ?? []))]);
      }
      return roles;
    }),
  range: `0 to ${limits.roles} of NAME=SCOPE+SCOPE`,
} satisfies Values;

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

function roleProblems(name: string, words: readonly string[], isTwice: boolean): string[] {
  if (!NAME.test(name))
    return ["is no name: write up to 64 lower-case letters, digits, - and _, a letter first"];
  if (builtInRoleNames.some((each) => each === name)) return ["is built in: give yours another name"];
  if (isTwice) return ["is there twice"];
  if (words.length === 0) return ["has no scopes: write some, for example tasks:read"];
  return words.filter((word) => scopesOf(word) === undefined).map(notAScope);
}

function notAScope(word: string): string {
  if (word === "*")
    return 'has the scope "*", which is none: name what it may do, for example tasks:*, or use the role admin';
  const meant = nearest(word, permissionNames, 2);
  const way = meant === undefined ? `there are ${permissionNames.join(", ")}` : `did you mean ${meant}?`;
  return `has the scope ${JSON.stringify(word.slice(0, 64))}, which is none: ${way}`;
}

export const roles = {
  roles: {
    ...roleTable,
    fallback: [],
    help: "Roles beside viewer, operator, admin and worker; a scope may be a wildcard such as tasks:*.",
  },
} as const satisfies Record<string, Setting>;
