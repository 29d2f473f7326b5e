/** Where ids and chance come from, so that a seed can replay them. */
export interface Entropy {
  /** A fresh UUIDv7. */
  uuid(): string;
  /** Uniform in [0, 1). */
  draw(): number;
}
