import { z } from "zod";
import { isSegment, SEGMENT_FORM } from "#domain/access/spiffe";
import { limits } from "#limits/index";
import type { Setting, Values } from "./setting.js";
import { path } from "./values.js";

const ADVICE =
  'write a table, for example { ci = { role = "operator", namespaces = ["research"] } }, or ci=operator@research';

/** What clients with a certificate may do, by their names. */
interface Terms {
  readonly role: string;
  readonly namespaces: readonly string[] | "*";
}

/** `NAME=ROLE@NAMESPACE+NAMESPACE`, for flags and the environment, as an entry of the table that stands in the file. */
function entryOf(text: string): readonly [string, Terms] {
  const [, name = "", role = "", rest = ""] = /^([^=]*)=([^@]*)@(.+)$/.exec(text) ?? [];
  return [name.trim(), { role: role.trim(), namespaces: rest.split("+").map((each) => each.trim()) }];
}

const terms = z.object({
  role: z.string(),
  namespaces: z.union([z.literal("*"), z.array(z.string())]),
});

/** Terms by the names of clients. Everything that is wrong is said, each with the name of its client. */
const termsTable = {
  schema: z
    .union(
      [
        z.array(z.string()).transform((texts) => texts.map(entryOf)),
        z.record(z.string(), terms.strict()).transform(Object.entries<Terms>),
      ],
      ADVICE,
    )
    .transform((entries, { issues }): ReadonlyMap<string, Terms> => {
      const refuse = (message: string) => issues.push({ code: "custom", message, input: "" });
      const { clientCertificates: most } = limits;
      if (entries.length > most) refuse(`has ${entries.length} entries; the limit is ${most}`);
      const found = new Map<string, Terms>();
      for (const [name, { role, namespaces }] of entries.slice(0, most)) {
        const all = namespaces === "*" || namespaces.includes("*");
        const problem =
          problemOf(name, role, all ? ["*"] : namespaces) ?? (found.has(name) && "is there twice");
        if (problem) refuse(`client ${JSON.stringify(name.slice(0, 64))} ${problem}`);
        found.set(name, { role, namespaces: all ? "*" : namespaces });
      }
      return found;
    }),
  range: `0 to ${limits.clientCertificates} of NAME=ROLE@NAMESPACE+NAMESPACE`,
} satisfies Values;

function problemOf(name: string, role: string, namespaces: readonly string[]): string | undefined {
  if (name !== "*" && !isSegment(name))
    return `is no name in a certificate, which is ${SEGMENT_FORM}: ${ADVICE}`;
  if (role === "") return `has no role: ${ADVICE}`;
  // Its stream is not open to clients' certificates, and it may do nothing else.
  if (role === "worker")
    return "has the role worker: workers are invited, and have certificates of another authority";
  const wrong = namespaces.find(
    (each) => each === "" || /\p{Cc}/u.test(each) || Buffer.byteLength(each) > limits.idBytes,
  );
  return namespaces.length === 0 || wrong !== undefined
    ? `has no namespaces, or one that is none: ${ADVICE}`
    : undefined;
}

/** Clients that are known by a certificate of an authority of their own. */
export const clientCertificates = {
  "client-ca": {
    ...path,
    fallback: "",
    help: "File of the authorities of clients' certificates, as PEM; another one than that of workers. Changes are noticed. Without it no client is known by a certificate.",
  },
  "client-certificates": {
    ...termsTable,
    fallback: [],
    help: "Role and namespaces of each client that is known by a certificate, by the name in it; * is each that is not named, or all namespaces.",
  },
} as const satisfies Record<string, Setting>;

/** What no such setting says by itself. */
export function clientCertificateProblems({
  clientCa,
  clientCertificates: byName,
  isTls,
  isAuthenticated,
  roles,
}: {
  readonly clientCa: string;
  readonly clientCertificates: ReadonlyMap<string, Terms>;
  readonly isTls: boolean;
  readonly isAuthenticated: boolean;
  readonly roles: readonly string[];
}): string[] {
  const named = new Set([...byName.values()].map(({ role }) => role));
  const unknown = [...named].filter((role) => !roles.includes(role));
  const given = clientCa !== "";
  return [
    ...unknown.map(
      (role) => `client-certificates: ${JSON.stringify(role)} is no role; there are ${roles.join(", ")}`,
    ),
    ...(given && byName.size === 0
      ? ["client-ca is without clients: say what each may do by --client-certificates NAME=ROLE@NAMESPACE"]
      : []),
    ...(!given && byName.size > 0
      ? ["client-certificates is without an authority: name its file by --client-ca"]
      : []),
    ...(given && !(isTls && isAuthenticated)
      ? [
          "client-ca is given, and nobody is asked for a certificate: say --tls auto (or --tls-cert and --tls-key), and not --auth off",
        ]
      : []),
  ];
}
