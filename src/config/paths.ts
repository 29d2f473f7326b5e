import { resolve } from "node:path";

/** Files and directories beside the data, each an absolute path or empty. */
export function paths(setting: (name: "export-to" | "audit-checkpoints" | "templates" | "prices") => string) {
  const path = (text: string) => text && resolve(text);
  return {
    exportTo: path(setting("export-to")),
    auditCheckpoints: path(setting("audit-checkpoints")),
    templates: path(setting("templates")),
    prices: path(setting("prices")),
  };
}
