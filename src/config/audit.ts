import { z } from "zod";
import type { Setting } from "./setting.js";
import { duration, path } from "./values.js";

/** Where syslog is spoken, as a URL without anything but host and port. */
const collector = {
  schema: z
    .string("write an address in quotes")
    .refine(
      (text) => text === "" || isCollector(text),
      "is no collector of syslog; write for example tcp://logs.example:601 or udp://127.0.0.1:514",
    ),
  range: "tcp://HOST:PORT or udp://HOST:PORT",
};

function isCollector(text: string): boolean {
  const [, port = ""] = /^(?:tcp|udp):\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/@?#]+):(\d{1,5})$/.exec(text) ?? [];
  return Number(port) > 0 && Number(port) <= 65_535 && URL.canParse(text);
}

/** How the audit log is kept, and where its checkpoints go. */
export const audit = {
  "audit-checkpoints": {
    ...path,
    fallback: "",
    help: "File to which signed checkpoints of the audit log are appended; keep it on another disk than the data. Default: audit.checkpoints in the data directory, or none with the store memory.",
  },
  "audit-syslog": {
    ...collector,
    fallback: "",
    help: "A collector of syslog that is sent the checkpoints too, by RFC 5424: over TCP with the length before each message, or over UDP.",
  },
  "audit-retention": {
    ...duration("1d", "3650d"),
    fallback: "365d",
    help: "How long entries of the audit log are kept, up to a million of each server.",
  },
} as const satisfies Record<string, Setting>;
