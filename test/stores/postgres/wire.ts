import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

/** A line between a store and its server that a test can cut, in the middle of a commit if need be. */
export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What happens to bytes on their way to the server, and on their way back. */
  there: "passes" | "is lost" = "passes";
  back: "passes" | "is lost" = "passes";
  /** How long bytes are on their way back, in milliseconds. */
  delayMs = 0;
  /** Whether new connections are refused. */
  refuses = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server);
    server.on("connection", (near) => wire.#join(near, port));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return wire;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket, port: number): void {
    if (this.refuses) {
      near.destroy();
      return;
    }
    const far = createConnection({ host: "127.0.0.1", port });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (this.there === "passes") far.write(bytes);
    });
    let lastAt = 0;
    far.on("data", (bytes) => {
      if (this.back !== "passes") return;
      const now = performance.now();
      // In their order, also when the delay has just become shorter.
      lastAt = Math.max(lastAt, now + this.delayMs);
      if (lastAt <= now) near.write(bytes);
      else setTimeout(() => near.write(bytes), lastAt - now);
    });
  }
}
