import { setInterval } from "node:timers";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { Plane, PlaneHealth } from "#ports/plane";

export interface HealthReport extends PlaneHealth {
  readonly status: "healthy" | "degraded" | "unavailable";
}

/** Whether requests are served, for all who ask: load balancers, `/health/ready`, and those who watch. */
export class Health {
  readonly #plane: Pick<Plane, "ready" | "health">;
  readonly #listeners = new Set<() => void>();
  readonly #services: ReadonlySet<string>;
  #draining = false;
  #looking: NodeJS.Timeout | undefined;

  /** @param services fully qualified names of what is served; they share one state */
  constructor(plane: Pick<Plane, "ready" | "health">, services: readonly string[]) {
    this.#plane = plane;
    this.#services = new Set(services);
  }

  get services(): readonly string[] {
    return [...this.#services];
  }

  get serving(): boolean {
    return !this.#draining && this.#plane.ready;
  }

  /** What `/health` tells: whether requests are served, and what an operator should look at. Times are Unix ms. */
  get report(): HealthReport {
    const trouble = this.#plane.health;
    const status = Object.keys(trouble).length > 0 ? "degraded" : "healthy";
    return { status: this.serving ? status : "unavailable", ...trouble };
  }

  get draining(): boolean {
    return this.#draining;
  }

  knows(service: string): boolean {
    return service === "" || this.#services.has(service);
  }

  /** From here on nothing is served; there is no way back. */
  drain(): void {
    this.#draining = true;
    for (const tell of this.#listeners) tell();
  }

  /** Now, and again after each change, until the signal aborts. */
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
