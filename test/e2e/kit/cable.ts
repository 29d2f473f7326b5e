/** A stretch of wire between a peer and a server that can be cut, or held up, while both live. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class Cable {
  readonly #server: Server;
  readonly #pairs = new Set<{ near: Socket; far: Socket }>();
  /** While set, a peer's end of the connection is not told to the server. */
  #holdingClose = false;
  readonly #held: Socket[] = [];
  connections = 0;

  private constructor(target: string) {
    const at = target.lastIndexOf(":");
    const [host, port] = [target.slice(0, at).replace(/[[\]]/g, ""), Number(target.slice(at + 1))];
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      this.connections += 1;
      const far = connect({ host, port, allowHalfOpen: true });
      const pair = { near, far };
      this.#pairs.add(pair);
      near.on("data", (data) => {
        if (!far.write(data)) near.pause();
      });
      far.on("drain", () => near.resume());
      far.on("data", (data) => {
        if (!near.destroyed && !near.write(data)) far.pause();
      });
      near.on("drain", () => far.resume());
      const gone = () => {
        if (this.#holdingClose) this.#held.push(far);
        else far.destroy();
        this.#pairs.delete(pair);
      };
      near
        .on("end", gone)
        .on("close", gone)
        .on("error", () => {});
      far.on("close", () => near.destroy()).on("error", () => {});
    });
  }

  static async to(target: string): Promise<Cable> {
    const cable = new Cable(target);
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  get addr(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection, in the middle of whatever is being said; false if there is none. */
  cut(): boolean {
    const pairs = [...this.#pairs];
    this.#pairs.clear();
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
    return pairs.length > 0;
  }

  /** From now on the server does not hear that a peer has gone, until {@link releaseClose}. */
  holdClose(): void {
    this.#holdingClose = true;
  }

  releaseClose(): void {
    this.#holdingClose = false;
    for (const far of this.#held.splice(0)) far.destroy();
  }

  async close(): Promise<void> {
    this.releaseClose();
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
