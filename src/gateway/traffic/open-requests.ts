/** The requests under way whose connections are not a listener's, so that a gateway that closes can wait for them. */
export class OpenRequests {
  /** What cuts each of them short. */
  readonly #open = new Set<() => void>();
  #idle: (() => void)[] = [];

  /**
   * Counts a request.
   *
   * @param cut ends it at once
   * @returns call it when the request has ended
   */
  open(cut: () => void): () => void {
    // A function of its own for each request: two may be cut by the same one.
    const each = () => cut();
    this.#open.add(each);
    return () => {
      if (!this.#open.delete(each) || this.#open.size > 0) return;
      for (const tell of this.#idle.splice(0)) tell();
    };
  }

  /** Resolves when none is under way. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Cuts all of them short. */
  cut(): void {
    for (const cut of this.#open) cut();
  }
}
