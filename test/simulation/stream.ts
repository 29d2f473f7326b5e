import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { SessionId } from "#domain/id";
import type { WorkerFrame } from "#domain/worker/frame";
import type { WorkerLink, WorkerReport } from "#ports/plane";
import { atWork, type Incarnation, type SimWorld, type StreamEars } from "./sim-world.js";

/**
 * One connection between a worker and a plane: in order in each direction, late, and after a cut each end
 * learns of it in its own time, or not at all.
 */
export class Stream {
  readonly #world: SimWorld;
  readonly #plane: Incarnation;
  readonly #ears: StreamEars;
  readonly #link: WorkerLink;
  readonly #isEvil: boolean;
  /** What the plane's gateway has received and not yet handed on. */
  readonly #inbox: WorkerReport[] = [];
  #reading = false;
  #toPlaneAt = 0;
  #toWorkerAt = 0;
  #cut = false;
  #planeDone = false;
  #workerDone = false;
  #session: SessionId | undefined;

  /** Undefined if there is no plane to connect to. */
  static open(world: SimWorld, ears: StreamEars, isEvil = false): Stream | undefined {
    const { up } = world;
    return up && new Stream(world, up, ears, isEvil);
  }

  private constructor(world: SimWorld, plane: Incarnation, ears: StreamEars, isEvil: boolean) {
    this.#world = world;
    this.#plane = plane;
    this.#ears = ears;
    this.#isEvil = isEvil;
    this.#link = plane.plane.connect(LOCAL_CALLER, {
      unsentBytes: 0,
      send: (frame) => this.#send(frame),
      close: (fault) => this.#closeFromPlane(fault),
    });
    void plane.death.then(() => this.#workerHearsEnd(undefined, this.#late(world.weather.halfOpenMs)));
  }

  /** worker → plane. */
  say(report: WorkerReport): void {
    if (this.#cut || this.#workerDone) return;
    const { clock } = this.#world;
    this.#toPlaneAt = Math.max(this.#toPlaneAt, clock.now() + this.#late(this.#world.weather.networkMs));
    this.#world.after(this.#toPlaneAt - clock.now(), () => {
      if (!this.#plane.life.alive || this.#planeDone) return;
      this.#inbox.push(report);
      void this.#read();
    });
  }

  /** The network fails; what is on its way may still arrive. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    const { halfOpenMs } = this.#world.weather;
    this.#workerHearsEnd(undefined, this.#late(halfOpenMs));
    this.#world.after(this.#late(halfOpenMs), () => this.#planeHearsEnd());
  }

  /** The worker closes its end. */
  close(): void {
    this.#workerDone = true;
    this.cut();
  }

  get open(): boolean {
    return !this.#workerDone;
  }

  /** The session that it is, and the process that it leads to; undefined before the plane's welcome, and after a cut. */
  get at(): { readonly session: SessionId; readonly plane: Incarnation } | undefined {
    if (this.#cut || this.#workerDone || this.#planeDone || this.#session === undefined) return undefined;
    return { session: this.#session, plane: this.#plane };
  }

  #late(ms: number): number {
    return ms === 0 ? 0 : this.#world.dice.between(0, ms);
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    for (let report = this.#inbox.shift(); report; report = this.#inbox.shift()) {
      if (this.#planeDone) break;
      try {
        await atWork(this.#plane, () => this.#link.receive(report));
      } catch (error) {
        const fault = error instanceof Fault ? error : new Fault("internal", String(error));
        if (!(error instanceof Fault)) this.#world.broken ??= error;
        this.#closeFromPlane(fault);
      }
    }
    this.#reading = false;
  }

  #send(frame: WorkerFrame): void {
    const { world, clock } = { world: this.#world, clock: this.#world.clock };
    if (!this.#plane.life.alive) throw new Error("a dead plane speaks");
    if (frame.type === "welcome") this.#welcomed(frame.session);
    world.check(() => world.mirror.checkFrame(this.#session, frame, this.#isEvil));
    world.note(`→ ${frame.type} ${"runId" in frame ? frame.runId.slice(-6) : ""}`);
    if (this.#cut) return;
    this.#toWorkerAt = Math.max(this.#toWorkerAt, clock.now() + this.#late(world.weather.networkMs));
    world.after(this.#toWorkerAt - clock.now(), () => {
      if (!this.#workerDone) this.#ears.frame(frame);
    });
  }

  #welcomed(session: SessionId): void {
    this.#session = session;
    if (!this.#isEvil) this.#world.mirror.capacities.set(session, this.#world.weather.capacity);
  }

  #closeFromPlane(fault: Fault): void {
    if (this.#planeDone) return;
    this.#planeHearsEnd();
    const after = Math.max(0, this.#toWorkerAt - this.#world.clock.now());
    this.#workerHearsEnd(fault, after + this.#late(this.#cut ? 0 : this.#world.weather.networkMs));
  }

  #planeHearsEnd(): void {
    if (this.#planeDone || !this.#plane.life.alive) return;
    this.#planeDone = true;
    void atWork(this.#plane, async () => this.#link.closed());
  }

  #workerHearsEnd(fault: Fault | undefined, after: number): void {
    this.#world.after(after, () => {
      if (this.#workerDone) return;
      this.#workerDone = true;
      this.#ears.closed(fault);
    });
  }
}
