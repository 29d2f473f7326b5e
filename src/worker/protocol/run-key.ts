/** Identifies a Run in its reports; the fence lets the server refuse reports of an earlier Run. */
export interface RunKey {
  readonly runId: string;
  readonly fence: number;
}
