import type { EnrolledWorker } from "#client/index";
import { type ConnectionOptions, target, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";

type Options = ConnectionOptions & { readonly json?: boolean };

export interface InviteOptions extends Options {
  readonly name: string;
  readonly count?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespaces?: readonly string[];
  readonly agents?: readonly string[];
  /** Milliseconds. */
  readonly ttl?: number;
  /** The address that workers use, where it is not the one of this command. */
  readonly workerAddr?: string;
}

/**
 * `worker invite`: a line for each worker, which starts it on any machine. The token stands in it as a variable: an argument could be read by
 * every user of that machine.
 */
export async function inviteWorkers(options: InviteOptions, io: Io): Promise<ExitCode> {
  const { name, count, labels, namespaces, agents, ttl: ttlMs, workerAddr, json } = options;
  const said = { count, labels, namespaces, agents, ttlMs };
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const made = await withClient(io, options, ({ enrollment }) => enrollment.invite({ name, ...given }));
  const addr = workerAddr ?? (await target(io, options)).addr;
  for (const { token, caPin, name: worker, expiresAt } of made) {
    const command = `TASKRUN_TOKEN=${token} ${io.self} worker --addr ${addr} --ca-pin ${caPin}`;
    await io.stdout.write(
      json ? line({ name: worker, token, caPin, addr, expiresAt, command }) : `${command}\n`,
    );
  }
  if (json) return exit.ok;
  const [first] = made;
  const until = first ? `, until ${moment(first.expiresAt)}` : "";
  await io.stderr.write(`each line starts one worker, once${until}; it is not shown again\n`);
  if (/^(https:\/\/)?(localhost|127\.|\[::1\])/.test(addr)) {
    await io.stderr.write("for another machine, write the address that it uses: --worker-addr HOST:PORT\n");
  }
  return exit.ok;
}

/** `worker enrolled`. */
export async function listEnrolled(options: Options, io: Io): Promise<ExitCode> {
  const workers = await withClient(io, options, ({ enrollment }) => enrollment.list());
  for (const worker of workers) await show(worker, options, io);
  return exit.ok;
}

/** `worker revoke`. */
export async function revokeWorker(
  name: string,
  options: Options & { readonly of?: string },
  io: Io,
): Promise<ExitCode> {
  const revoked = await withClient(io, options, ({ enrollment }) =>
    enrollment.revoke(name, options.of ?? ""),
  );
  await show(revoked, options, io);
  return exit.ok;
}

async function show(worker: EnrolledWorker, { json }: Options, io: Io): Promise<void> {
  await io.stdout.write(json ? line(worker) : `${oneLine(describe(worker))}\n`);
}

function describe({
  name,
  namespace,
  namespaces,
  labels,
  agents,
  expiresAt,
  revokedAt,
}: EnrolledWorker): string {
  const state = revokedAt > 0 ? `revoked ${moment(revokedAt)}` : `until ${moment(expiresAt)}`;
  const has = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return `${namespace}/${name}  ${state}  ${namespaces.join(",")}  ${agents.join(",") || "any agent"}  ${has.join(",")}`.trim();
}

function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ");
}
