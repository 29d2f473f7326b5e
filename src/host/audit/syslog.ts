import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { connect, isIPv6, type Socket } from "node:net";
import { hostname } from "node:os";
import { later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { Telemetry } from "#ports/telemetry";
import { countedFrame, type SyslogTarget, syslogMessage } from "./syslog-message.js";

/** A collector of logs that is sent checkpoints. */
export interface Syslog {
  /** Sends a text, sooner or later. Never waits or throws. */
  send(text: string): void;
  /** Waits for what is under way, for a bounded time. */
  close(): Promise<void>;
}

export interface SyslogParts {
  readonly target: SyslogTarget;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "log" | "count">;
}

export function openSyslog(parts: SyslogParts): Syslog {
  return parts.target.protocol === "udp" ? new DatagramSyslog(parts) : new StreamSyslog(parts);
}

function messageOf(text: string, { clock }: SyslogParts): string {
  return syslogMessage(text, clock.now(), { host: hostname(), pid: process.pid });
}

/** Says what does not arrive: each message in a metric, and in the log once a minute. */
class Losses {
  readonly #parts: SyslogParts;
  #lost = 0;
  #warnAt = Number.NEGATIVE_INFINITY;

  constructor(parts: SyslogParts) {
    this.#parts = parts;
  }

  add(count: number, why: string): void {
    const { telemetry, clock, target } = this.#parts;
    this.#lost += count;
    for (let i = 0; i < count; i++) telemetry.count("taskrun_audit_syslog_lost_total");
    if (clock.now() < this.#warnAt) return;
    this.#warnAt = later(clock.now(), limits.auditSyslogWarned);
    const { host, port } = target;
    const text = "checkpoints of the audit log did not reach syslog; later ones vouch for the same entries";
    telemetry.log.warn(text, { host, port, lost: this.#lost, why });
  }
}

interface Waiting {
  readonly message: string;
  /** True if it was sent before, by a connection that has broken. */
  readonly isRepeat: boolean;
}

/**
 * Syslog over TCP, each message with its length before it. It connects when there is something to send. Messages wait while there
 * is no connection, up to a bound; of more the oldest is dropped, since a later checkpoint says all that an earlier one does.
 */
class StreamSyslog implements Syslog {
  readonly #parts: SyslogParts;
  readonly #losses: Losses;
  readonly #waiting: Waiting[] = [];
  /** What was handed to a connection that has broken since may not have arrived: the last message is sent again, once. */
  #last: Waiting | undefined;
  #socket: Socket | undefined;
  #isOpen = false;
  #isWriting = false;
  #retry = limits.auditSyslogRetryLeast;
  #cancelRetry: (() => void) | undefined;
  #isClosing = false;
  #emptied: (() => void) | undefined;

  constructor(parts: SyslogParts) {
    this.#parts = parts;
    this.#losses = new Losses(parts);
  }

  send(text: string): void {
    this.#waiting.push({ message: messageOf(text, this.#parts), isRepeat: false });
    // The first one may be on its way.
    const oldest = this.#isWriting ? 1 : 0;
    if (this.#waiting.length > limits.auditSyslogWaiting) {
      this.#waiting.splice(oldest, 1);
      this.#losses.add(1, "too many wait");
    }
    this.#goOn();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#waiting.length > 0 && !this.#cancelRetry) await this.#within(limits.auditSyslogClose);
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (this.#waiting.length > 0) this.#losses.add(this.#waiting.length, "the server has stopped");
    this.#waiting.length = 0;
    this.#socket?.destroySoon();
  }

  #goOn(): void {
    if (this.#cancelRetry) return;
    if (!this.#socket) this.#connect();
    else if (this.#isOpen && !this.#isWriting) this.#write();
  }

  #connect(): void {
    const { host, port } = this.#parts.target;
    const socket = connect({ host, port });
    this.#socket = socket;
    let why = "the collector has closed the connection";
    socket.setTimeout(limits.auditSyslogConnect, () => {
      if (!this.#isOpen) socket.destroy(new Error("it does not answer"));
    });
    socket.on("connect", () => {
      this.#isOpen = true;
      this.#goOn();
    });
    socket.on("error", (error) => {
      why = error.message;
    });
    socket.on("close", () => this.#broken(why));
    socket.setKeepAlive(true, limits.auditSyslogRetryMost);
    // What a collector says is nothing to us; unread it would keep the end of the connection from being seen.
    socket.resume();
    // A process is not kept alive to tell a collector something.
    socket.unref();
  }

  #write(): void {
    const [first] = this.#waiting;
    if (!first) {
      this.#emptied?.();
      return;
    }
    const socket = this.#socket;
    this.#isWriting = true;
    socket?.write(countedFrame(first.message), (error) => {
      if (error || socket !== this.#socket) return;
      this.#isWriting = false;
      this.#retry = limits.auditSyslogRetryLeast;
      this.#waiting.shift();
      this.#last = first;
      this.#write();
    });
  }

  #broken(why: string): void {
    const { clock, telemetry, target } = this.#parts;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#isWriting = false;
    if (this.#last && !this.#last.isRepeat && !this.#isClosing) {
      this.#waiting.unshift({ ...this.#last, isRepeat: true });
    }
    this.#last = undefined;
    if (this.#isClosing || this.#waiting.length === 0) {
      this.#emptied?.();
      return;
    }
    telemetry.log.debug("syslog is tried again", { host: target.host, port: target.port, why });
    this.#cancelRetry = clock.wakeAt(later(clock.now(), this.#retry), () => {
      this.#cancelRetry = undefined;
      this.#goOn();
    });
    this.#retry = millis(Math.min(this.#retry * 2, limits.auditSyslogRetryMost));
  }

  /** Resolves when nothing waits any more, or after a while. */
  async #within(most: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
      timer = setTimeout(resolve, most);
      this.#goOn();
    });
    clearTimeout(timer);
  }
}

/** Syslog over UDP: what does not arrive nobody knows of, unless the system says so. */
class DatagramSyslog implements Syslog {
  readonly #parts: SyslogParts;
  readonly #losses: Losses;
  readonly #socket: DatagramSocket;
  /** Messages whose name is being looked up. */
  #underway = 0;
  #emptied: (() => void) | undefined;

  constructor(parts: SyslogParts) {
    this.#parts = parts;
    this.#losses = new Losses(parts);
    this.#socket = createSocket(isIPv6(parts.target.host) ? "udp6" : "udp4");
    this.#socket.on("error", (error) => this.#losses.add(1, error.message));
    this.#socket.unref();
  }

  send(text: string): void {
    if (this.#underway >= limits.auditSyslogWaiting) {
      this.#losses.add(1, "too many wait");
      return;
    }
    const { host, port } = this.#parts.target;
    this.#underway += 1;
    this.#socket.send(messageOf(text, this.#parts), port, host, (error) => {
      this.#underway -= 1;
      if (error) this.#losses.add(1, error.message);
      if (this.#underway === 0) this.#emptied?.();
    });
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    if (this.#underway > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
        timer = setTimeout(resolve, limits.auditSyslogClose);
      });
    }
    clearTimeout(timer);
    this.#socket.close();
  }
}
