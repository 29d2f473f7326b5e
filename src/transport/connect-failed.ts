import { Code, ConnectError } from "@connectrpc/connect";
import { tlsReason } from "./tls-reason.js";

/** A call failed because no connection could be made: the server has not heard of it. */
export class ConnectFailed extends ConnectError {
  readonly #isConnectFailed = true;

  /**
   * @param to the server, as people write it; see `shownAddress`
   * @param cause what the attempt to connect has thrown
   */
  constructor(to: string, cause: unknown) {
    const message = `cannot connect to ${to}: ${reasonOf(cause)}`;
    super(message, Code.Unavailable, undefined, undefined, cause);
  }

  /** In place of `instanceof`, which by ConnectError's own rule is true for each of its errors. */
  static is(error: unknown): error is ConnectFailed {
    return typeof error === "object" && error !== null && #isConnectFailed in error && error.#isConnectFailed;
  }
}

/** How deep the causes of an error are looked through. */
const CAUSES_MAX = 5;

/** The operating system's reason, for example `ECONNREFUSED 127.0.0.1:50051`, else the message. */
function reasonOf(thrown: unknown): string {
  let error = thrown;
  for (let depth = 0; depth < CAUSES_MAX && error instanceof Error; depth++) {
    // A name with several addresses: all of them were tried.
    if (error instanceof AggregateError && error.errors.length > 0) {
      return [...new Set((error.errors as unknown[]).map(reasonOf))].join(", ");
    }
    const ofTls = tlsReason(error);
    if (ofTls !== undefined) return ofTls;
    const { code, syscall = "" } = error as NodeJS.ErrnoException;
    if (code !== undefined && syscall !== "") return error.message.replace(`${syscall} `, "");
    if (error.cause === undefined) break;
    error = error.cause;
  }
  if (thrown instanceof ConnectError) return thrown.rawMessage;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
