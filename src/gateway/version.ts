import { createRequire } from "node:module";

/** The version of this server, as its health checks and pages say it. */
export const { version: serverVersion } = createRequire(import.meta.url)("#package.json") as {
  readonly version: string;
};
