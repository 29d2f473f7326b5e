import { z } from "zod";
import type { Setting } from "./setting.js";

/** Where traces go. */
export const traces = {
  otlp: {
    schema: z
      .string("is no text; write the URL in quotes")
      .refine(
        (text) => text === "" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)),
        "is no URL of a collector; write for example http://localhost:4318",
      ),
    range: "http:// or https:// URL",
    fallback: "",
    help: "Base URL of an OpenTelemetry collector that traces are sent to, by OTLP over HTTP.",
  },
} as const satisfies Record<string, Setting>;
