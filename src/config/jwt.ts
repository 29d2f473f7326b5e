import { resolve } from "node:path";
import { z } from "zod";
import type { Setting, Values } from "./setting.js";

/** Algorithms that a token may be signed by: those of public keys. None and those of shared secrets are never among them. */
const tokenAlgorithms = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
] as const;

const algorithms = {
  schema: z
    .array(
      z.enum(tokenAlgorithms, { error: () => `is none of ${tokenAlgorithms.join(", ")}` }),
      'write a list of algorithms, for example ["ES256"]',
    )
    .min(1, "is empty: name at least one algorithm"),
  range: `1 or more of ${tokenAlgorithms.join(", ")}`,
} satisfies Values;

/** An URL is fetched by the server, so that one in plaintext is taken from this machine alone. */
const keys = {
  schema: z.string("write a URL or a path in quotes").transform((text, { issues }): string => {
    const problem = keysProblem(text);
    if (problem !== undefined) issues.push({ code: "custom", message: problem, input: "" });
    return text;
  }),
  range: "https://…, http:// on the loopback, or a path, from the working directory",
} satisfies Values;

/** True if the setting `jwt-keys` is a URL and no path. */
export function isKeysUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

function keysProblem(text: string): string | undefined {
  if (!isKeysUrl(text)) return undefined;
  if (!URL.canParse(text)) return "is no URL; write for example https://login.example/jwks.json";
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "")
    return "must not hold a user or password: keys of issuers are public";
  if (protocol === "https:" || (protocol === "http:" && isLoopbackHost(hostname))) return undefined;
  return "would be fetched in plaintext, so that others could put in keys of theirs: write https://…";
}

function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

const words = (least: number, what: string) => ({
  schema: z
    .array(
      z.string(`write ${what} in quotes`).min(1, "is empty").max(256, "is longer than 256 characters"),
      `write a list of ${what}`,
    )
    .min(least, `is empty: name at least one`)
    .max(16, "has more than 16 entries"),
  range: `${least} to 16 ${what}`,
});

const claim = (fallback: string, help: string) => ({
  schema: z
    .string("write the name of a claim in quotes")
    .min(1, "is empty")
    .max(256, "is longer than 256 characters"),
  range: "the name of a claim, or names joined by dots for one within another",
  fallback,
  help,
});

/** `VALUE=ROLE`, of which the value may hold further equals signs. */
const roleValues = {
  schema: z
    .union(
      [
        z.array(z.string()).transform((texts) =>
          texts.map((text): readonly [string, string] => {
            const at = text.lastIndexOf("=");
            return at === -1 ? ["", text] : [text.slice(0, at), text.slice(at + 1)];
          }),
        ),
        z.record(z.string(), z.string()).transform(Object.entries<string>),
      ],
      'write a table, for example { "platform-team" = "admin" }, or platform-team=admin',
    )
    .transform((entries, { issues }): ReadonlyMap<string, string> => {
      const wrong = entries.find(([value, role]) => value === "" || role === "");
      const message = `${JSON.stringify(wrong?.join("="))} is not VALUE=ROLE; write for example platform-team=admin`;
      if (wrong) issues.push({ code: "custom", message, input: "" });
      if (entries.length > 256)
        issues.push({ code: "custom", message: "has more than 256 entries", input: "" });
      return new Map(entries);
    }),
  range: "0 to 256 of VALUE=ROLE",
} satisfies Values;

/** Tokens of an issuer, as a second kind of credential. */
export const jwt = {
  "jwt-keys": {
    ...keys,
    fallback: "",
    help: "Public keys of JSON Web Tokens: the URL of a JWKS, or a file with a JWKS or PEM. Changes are noticed. Without it no token is taken.",
  },
  "jwt-issuer": {
    schema: z.string("write the issuer in quotes").max(1_024, "is longer than 1024 characters"),
    range: "text",
    fallback: "",
    help: "Who issues the tokens: what their iss claim must be.",
  },
  "jwt-audience": {
    ...words(1, "names"),
    fallback: ["taskrun"],
    help: "For whom the tokens are: their aud claim must hold one of these.",
  },
  "jwt-algorithms": {
    ...algorithms,
    fallback: ["ES256", "EdDSA", "RS256"],
    help: "Algorithms that tokens may be signed by; none and HS* never are.",
  },
  "jwt-principal-claim": claim("sub", "Which claim says who calls: jwt: and its value is the principal."),
  "jwt-role-claim": claim(
    "role",
    "Which claim has the caller's role, or a list of which one must be a role.",
  ),
  "jwt-roles": {
    ...roleValues,
    fallback: [],
    help: "The role for each value of that claim; without any, the values are names of roles.",
  },
  "jwt-namespaces-claim": claim(
    "namespaces",
    "Which claim has the caller's namespaces: one, or a list; * is all.",
  ),
} as const satisfies Record<string, Setting>;

/** What no setting of tokens says by itself. */
export function jwtProblems({
  jwtKeys,
  jwtIssuer,
  jwtRoles,
  auth,
  roles,
}: {
  readonly jwtKeys: string;
  readonly jwtIssuer: string;
  readonly jwtRoles: ReadonlyMap<string, string>;
  readonly auth: boolean;
  readonly roles: readonly string[];
}): string[] {
  const given = jwtKeys !== "";
  const unknown = [...new Set(jwtRoles.values())].filter((role) => !roles.includes(role));
  return [
    ...unknown.map((role) => `jwt-roles: ${JSON.stringify(role)} is no role; there are ${roles.join(", ")}`),
    ...(given && jwtIssuer === ""
      ? ["jwt-keys is without an issuer: say whose tokens they are by --jwt-issuer"]
      : []),
    ...(!given && jwtIssuer !== ""
      ? ["jwt-issuer is without keys: say where its public keys are by --jwt-keys"]
      : []),
    ...(given && !auth ? ["jwt-keys is given, and nobody is asked for a credential: say --auth on"] : []),
  ];
}

/** A file is meant from the working directory; a URL stays as it is. */
function keysPlace(text: string): string {
  return text === "" || isKeysUrl(text) ? text : resolve(text);
}

/** What the settings say of tokens. */
export function jwtSettings(
  setting: <Name extends keyof typeof jwt>(name: Name) => z.output<(typeof jwt)[Name]["schema"]>,
) {
  return {
    jwtKeys: keysPlace(setting("jwt-keys")),
    jwtIssuer: setting("jwt-issuer"),
    jwtAudience: setting("jwt-audience"),
    jwtAlgorithms: setting("jwt-algorithms"),
    jwtPrincipalClaim: setting("jwt-principal-claim"),
    jwtRoleClaim: setting("jwt-role-claim"),
    jwtRoles: setting("jwt-roles"),
    jwtNamespacesClaim: setting("jwt-namespaces-claim"),
  };
}
