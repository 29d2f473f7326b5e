/** What the process of `dev` tells the process of the agents. */
export type ToAgents =
  /** Serve the agents that were loaded. */
  | {
      readonly type: "serve";
      readonly addr: string;
      readonly id: string;
      readonly logLevel: string;
      /** Base URL of a collector of traces, or empty. */
      readonly otlp: string;
    }
  /** Take nothing new, finish what is in hand, and end. */
  | { readonly type: "drain"; readonly withinMs: number };

/** A workflow that a module exports. */
export interface ExportedWorkflow {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly source: string;
}

/** What the process of the agents tells the process of `dev`. */
export type FromAgents =
  /** These files are imported. */
  | { readonly type: "files"; readonly paths: readonly string[] }
  | {
      readonly type: "loaded";
      readonly agents: readonly string[];
      readonly workflows: readonly ExportedWorkflow[];
    }
  /** The modules cannot be loaded. Why, stands on stderr; the process ends. */
  | { readonly type: "broken" }
  | { readonly type: "connected" }
  /** Nothing new is begun any more. */
  | { readonly type: "draining" }
  /** The server refuses the worker for good. */
  | { readonly type: "refused"; readonly message: string };
