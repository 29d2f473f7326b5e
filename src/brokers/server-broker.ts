import { isPostgresUrl } from "#domain/postgres-url";
import type { Broker } from "#ports/broker";
import type { Store } from "#ports/store";
import type { Log } from "#ports/telemetry";
import { postgresBroker } from "./postgres.js";

/** What carries the wakes of a server: the database itself, if other nodes write it too. Undefined where nobody else does. */
export function serverBroker({ shared }: Pick<Store, "shared">, url: string, log: Log): Broker | undefined {
  return shared && isPostgresUrl(url) ? postgresBroker({ url, log }) : undefined;
}
