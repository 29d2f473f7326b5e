import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { OpenStream } from "../traffic/streams.js";

/** The longest delay of a timer of Node. */
const TIMER_MOST = 2 ** 31 - 1;

/** Ends a stream, or a request that waits, when the credential of its caller has expired. */
export function endAtExpiry(open: OpenStream, { expiresAt }: Caller): void {
  if (expiresAt === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    const left = expiresAt - Date.now();
    if (left <= 0) open.end(expired());
    else timer = setTimeout(arm, Math.min(left, TIMER_MOST)).unref();
  };
  open.addEventListener("abort", () => clearTimeout(timer));
  arm();
}

function expired(): Fault {
  const message = "the credential that opened this stream has expired: open it again with a new one.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_EXPIRED" });
}
