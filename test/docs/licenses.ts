import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { table } from "./marked.js";

/** A package that an installation may have beside our own. */
export interface Shipped {
  readonly name: string;
  readonly version: string;
  /** In the words of its own manifest, which are those of SPDX; empty if it has none. */
  readonly license: string;
}

interface Locked {
  readonly version: string;
  readonly license?: unknown;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

/** Licences that ask of whoever passes the package on no more than to keep the notice, by their names in SPDX. */
const ALLOWED: readonly string[] = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];

/** What the lock has besides development, with the licence that the installed package names; of another platform's the lock says it. */
export function shippedOf(root: string): Shipped[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const found = new Map<string, Shipped>();
  for (const [path, locked] of Object.entries(packages)) {
    if (path === "" || locked.dev || locked.devOptional) continue;
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const { version } = locked;
    const { license } = installedAt(join(root, path, "package.json"), version) ?? locked;
    found.set(`${name}@${version}`, { name, version, license: typeof license === "string" ? license : "" });
  }
  return [...found.values()].sort((a, b) => (a.name + a.version < b.name + b.version ? -1 : 1));
}

function installedAt(path: string, version: string): { readonly license?: unknown } | undefined {
  if (!existsSync(path)) return undefined;
  const manifest = JSON.parse(readFileSync(path, "utf8")) as { version: string; license?: unknown };
  return manifest.version === version ? manifest : undefined;
}

/** Why a package must not be shipped; undefined if it may. Of a choice of licences one has to be allowed, of several all. */
export function licenseProblem({ name, version, license }: Shipped): string | undefined {
  const choices = license.replace(/[()]/g, "").split(" OR ");
  const isAllowed = choices.some((choice) => choice.split(" AND ").every((each) => ALLOWED.includes(each)));
  return isAllowed ? undefined : `${name}@${version} has the licence "${license}", which is not in ALLOWED`;
}

/** The table of `LICENSES.md`. */
export function licenseTable(root: string): string {
  const rows = shippedOf(root).map(({ name, version, license }) => [name, version, license]);
  return table(["package", "version", "licence"], rows);
}
