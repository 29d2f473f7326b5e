import { limits } from "#limits/index";
import { shownAddress } from "./address.js";
import { ConnectFailed } from "./connect-failed.js";

/** Tries a server; resolves if it answers. */
export type Probe = (url: string, signal: AbortSignal) => Promise<void>;

/**
 * The servers of one plane, any of which will do, and the one that is used now. Its user says which one has failed; then the next
 * one that answers is used. They are in an order drawn once, so that the clients of a plane spread over its nodes.
 */
export class Servers {
  readonly #urls: readonly string[];
  readonly #probe: Probe;
  /** Those that have answered, and have not been lost since. */
  readonly #answering = new Set<string>();
  #current = 0;
  #finding: Promise<string> | undefined;

  /**
   * @param urls from `readAddresses`
   * @param draw uniform in [0, 1)
   */
  constructor(urls: readonly string[], probe: Probe, draw: () => number) {
    this.#urls = shuffled(urls, draw);
    this.#probe = probe;
  }

  /** The one in use, or the first to be tried. */
  get current(): string {
    return this.#urls[this.#current] as string;
  }

  /** How many there are. */
  get count(): number {
    return this.#urls.length;
  }

  /**
   * The server to use: the current one, unless it is not known to answer; then the first of all that does, beginning with it.
   * Callers that ask meanwhile get the same.
   *
   * @throws {ConnectFailed} if none answers
   */
  find(): Promise<string> | string {
    if (this.#answering.has(this.current)) return this.current;
    this.#finding ??= this.#findAnew().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  /**
   * Call when a server cannot do its work: the next one is used from now on. Nothing happens if another one is in use already.
   *
   * @param answers whether it has said so itself
   */
  leave(url: string, answers: boolean): void {
    if (!answers) this.#answering.delete(url);
    if (url === this.current && !this.#finding) this.#current = (this.#current + 1) % this.#urls.length;
  }

  /** Call when a server has not answered a request in time: it is used again only once it has answered a probe. */
  doubt(url: string): void {
    this.#answering.delete(url);
  }

  async #findAnew(): Promise<string> {
    const order = this.#urls.map((_, i) => this.#urls[(this.#current + i) % this.#urls.length] as string);
    const found = await firstToAnswer(order, this.#probe);
    this.#current = this.#urls.indexOf(found);
    this.#answering.add(found);
    return found;
  }
}

/** Tries them in order, the next one as soon as one has failed or has not answered for a while. */
function firstToAnswer(urls: readonly string[], probe: Probe): Promise<string> {
  const others = new AbortController();
  const errors: ConnectFailed[] = [];
  return new Promise((resolve, reject) => {
    let tried = 0;
    let timer: NodeJS.Timeout | undefined;
    const tryNext = () => {
      clearTimeout(timer);
      const url = urls[tried];
      if (url === undefined || others.signal.aborted) return;
      tried += 1;
      timer = setTimeout(tryNext, limits.addressStagger);
      probe(url, others.signal).then(
        () => {
          clearTimeout(timer);
          resolve(url);
          others.abort();
        },
        (error: ConnectFailed) => {
          errors.push(error);
          if (errors.length === urls.length) reject(noneOf(urls, errors));
          else tryNext();
        },
      );
    };
    tryNext();
  });
}

function noneOf(urls: readonly string[], errors: readonly ConnectFailed[]): ConnectFailed {
  const all = urls.map(shownAddress).join(", ");
  const said = errors.map(({ rawMessage }) => rawMessage.replace(/^cannot connect to /, ""));
  return new ConnectFailed(all, new Error(said.join("; "), { cause: errors.at(-1) }));
}

/** In an order drawn by chance, each with the same chance (Fisher and Yates). */
function shuffled(urls: readonly string[], draw: () => number): string[] {
  const order = [...urls];
  for (let left = order.length - 1; left > 0; left -= 1) {
    const at = Math.floor(draw() * (left + 1));
    [order[left], order[at]] = [order[at] as string, order[left] as string];
  }
  return order;
}
