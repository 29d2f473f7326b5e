/**
 * The other systems whose clients and workers find a server at the ports that they know. An address of one of them serves
 * what every other address of its protocol does, except where `gateway/compat.ts` says otherwise.
 */
export const compatPorts = {
  /** Of its Scheduler and its Worker; the port of its Gateway is the server's own for gRPC. */
  orchestrator: { protocol: "grpc", ports: [50_052, 50_053] },
  tasker: { protocol: "grpc", ports: [9_190] },
  /** Where a worker of Tasker answers reads, in shapes that differ from those of the same paths elsewhere. */
  "tasker-worker": { protocol: "http", ports: [8_081] },
} as const satisfies Record<
  string,
  { readonly protocol: "grpc" | "http"; readonly ports: readonly number[] }
>;

export type CompatName = keyof typeof compatPorts;

export const compatNames = Object.keys(compatPorts) as readonly CompatName[];

/** An address that is opened for clients of another system. */
export interface CompatAddress {
  readonly name: CompatName;
  /** `HOST:PORT`. */
  readonly address: string;
}

/** The addresses of each name among these, in the order in which the names first come. */
export function addressesByName(given: readonly CompatAddress[]): [CompatName, readonly string[]][] {
  const names = new Set(given.map(({ name }) => name));
  return [...names].map((name) => [
    name,
    given.filter((each) => each.name === name).map(({ address }) => address),
  ]);
}

/**
 * Reads `NAME`, which stands for the usual ports on the loopback, or `NAME=HOST:PORT`. The form of the address is not
 * checked.
 */
export function readCompat(text: string): readonly CompatAddress[] | { readonly problem: string } {
  const [word = "", ...rest] = text.split("=");
  const name = compatNames.find((each) => each === word);
  if (name === undefined) return { problem: `names none of ${compatNames.join(", ")}` };
  if (rest.length > 0) return [{ name, address: rest.join("=") }];
  return compatPorts[name].ports.flatMap((port) =>
    ["127.0.0.1", "[::1]"].map((host) => ({ name, address: `${host}:${port}` })),
  );
}
