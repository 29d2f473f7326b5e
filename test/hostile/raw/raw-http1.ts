import { connect, type Socket } from "node:net";

/** A TCP connection that says what it is told and counts what it hears. */
export class RawSocket {
  readonly socket: Socket;
  readonly opened: Promise<void>;
  readonly closed: Promise<void>;
  heard = Buffer.alloc(0);
  isClosed = false;

  /** @param reads false to leave what comes in the system's buffers */
  constructor(port: number, { reads = true, host = "127.0.0.1" } = {}) {
    this.socket = connect({ port, host });
    this.socket.on("error", () => undefined);
    this.opened = new Promise((resolve) => {
      this.socket.once("connect", () => resolve());
      this.socket.once("close", () => resolve());
    });
    this.closed = new Promise((resolve) => {
      this.socket.once("close", () => {
        this.isClosed = true;
        resolve();
      });
    });
    if (!reads) return;
    this.socket.on("data", (chunk) => {
      this.onData(chunk);
    });
  }

  onData(chunk: Buffer): void {
    if (this.heard.length < 65_536) this.heard = Buffer.concat([this.heard, chunk]);
  }

  get text(): string {
    return this.heard.toString("latin1");
  }

  /** False if nobody takes any more. */
  write(bytes: Buffer | string): boolean {
    if (this.socket.destroyed || !this.socket.writable) return false;
    return this.socket.write(bytes);
  }

  /** Writes, and waits until the system has taken it, or the connection is closed. */
  async flush(bytes: Buffer | string): Promise<void> {
    if (this.write(bytes) || this.isClosed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off("drain", done);
        this.socket.off("close", done);
        resolve();
      };
      this.socket.on("drain", done);
      this.socket.on("close", done);
    });
  }

  end(): void {
    this.socket.destroy();
  }
}
