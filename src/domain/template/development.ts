/**
 * The version under which the `n`th body of a template under development is registered: `1.4.0` becomes `1.4.0-dev.2`.
 * A pre-release and build metadata of its own are kept: `1.4.0-rc.1+b7` becomes `1.4.0-rc.1-dev.2+b7`.
 */
export function developmentVersion(version: string, n: number): string {
  const [release = "", build] = split(version);
  return `${release}-dev.${n}${build === undefined ? "" : `+${build}`}`;
}

/** The `n` of a version that stands for `version` in development; 0 for any other. */
export function developmentNumber(candidate: string, version: string): number {
  const n = Number(/-dev\.([1-9][0-9]*)(?:\+|$)/.exec(candidate)?.[1] ?? 0);
  return n > 0 && developmentVersion(version, n) === candidate ? n : 0;
}

function split(version: string): string[] {
  const at = version.indexOf("+");
  return at < 0 ? [version] : [version.slice(0, at), version.slice(at + 1)];
}
