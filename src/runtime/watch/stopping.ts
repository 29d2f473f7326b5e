import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/** How waits end when the plane stops: its Tasks continue under the next start. */
export function stopping(): Fault {
  const message = "the server is stopping; the Task goes on: send the request again to wait for it.";
  return new Fault("unavailable", message, { reason: "DRAINING", retryAfter: limits.retryAfter });
}
