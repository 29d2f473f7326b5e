import { setInterval } from "node:timers";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { OwnNode, Plane, PlaneHealth } from "#ports/plane";

export interface HealthReport extends PlaneHealth {
  readonly status: "healthy" | "degraded" | "unavailable";
  /** Addresses at which everybody who reaches them may do everything; absent if there are none. */
  readonly insecure?: readonly string[];
  /** This node, if several share the store. */
  readonly node?: OwnNode;
}

/**
 * Reports whether requests are served: to load balancers, to `/health/ready`, and to watchers of gRPC health checks.
 */
export class Health {
  readonly #plane: Pick<Plane, "ready" | "health" | "node">;
  readonly #listeners = new Set<() => void>();
  readonly #services: ReadonlySet<string>;
  readonly #insecure: string[] = [];
  #draining = false;
  #looking: NodeJS.Timeout | undefined;

  /** @param services fully qualified names of the services that are served; all share one state */
  constructor(plane: Pick<Plane, "ready" | "health" | "node">, services: readonly string[]) {
    this.#plane = plane;
    this.#services = new Set(services);
  }

  get services(): readonly string[] {
    return [...this.#services];
  }

  get serving(): boolean {
    return !this.#draining && this.#plane.ready;
  }

  /**
   * The content of `/health`: whether requests are served, and problems for an operator. Times are Unix milliseconds.
   */
  get report(): HealthReport {
    const { health: trouble, node } = this.#plane;
    const status = Object.keys(trouble).length > 0 ? "degraded" : "healthy";
    const insecure = this.#insecure.length > 0 && { insecure: [...this.#insecure] };
    return { status: this.serving ? status : "unavailable", ...insecure, ...trouble, ...(node && { node }) };
  }

  /** Call with addresses that other machines can reach, and whose peers nobody is asked who they are. */
  exposed(addresses: readonly string[]): void {
    this.#insecure.push(...addresses);
  }

  get draining(): boolean {
    return this.#draining;
  }

  knows(service: string): boolean {
    return service === "" || this.#services.has(service);
  }

  /** From now on reports that nothing is served. Cannot be reversed. */
  drain(): void {
    this.#draining = true;
    for (const tell of this.#listeners) tell();
  }

  /** Yields the present state, and again after each change, until the signal aborts. */
  async *changes(signal: AbortSignal): AsyncGenerator<boolean, void> {
    let wake = () => {};
    const tell = () => wake();
    this.#listen(tell);
    signal.addEventListener("abort", tell);
    try {
      for (let told: boolean | undefined; !signal.aborted; ) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (told !== this.serving) {
          told = this.serving;
          yield told;
          continue;
        }
        await changed;
      }
    } finally {
      signal.removeEventListener("abort", tell);
      this.#forget(tell);
    }
  }

  #listen(tell: () => void): void {
    this.#listeners.add(tell);
    this.#looking ??= setInterval(() => {
      for (const each of this.#listeners) each();
    }, limits.healthEvery).unref();
  }

  #forget(tell: () => void): void {
    this.#listeners.delete(tell);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

/** @throws {Fault} `not_found` if no such service is served */
export function checkKnown(health: Health, service: string): void {
  if (health.knows(service)) return;
  const message = `service "${service}" is not served here; served are ${health.services.join(", ")}.`;
  throw new Fault("not_found", message, { field: "service", reason: "SERVICE_UNKNOWN" });
}
