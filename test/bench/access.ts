/** How a server that speaks TLS and asks for keys is called. */
export interface Access {
  /** Its authority, as PEM. */
  readonly ca: string;
  readonly key: string;
}

const CA = "BENCH_CA";
const KEY = "BENCH_KEY";

/** For the environment of a helper process. */
export function envOf(access: Access | undefined): Readonly<Record<string, string>> {
  return access ? { [CA]: access.ca, [KEY]: access.key } : {};
}

/** In a helper process: what it was started with; undefined if the server speaks plaintext. */
export function ownAccess(): Access | undefined {
  const { [CA]: ca, [KEY]: key } = process.env;
  return ca === undefined || key === undefined ? undefined : { ca, key };
}
