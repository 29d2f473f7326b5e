import { connect, flood, fromTemplate, MIB, register, step } from "../../kit.js";
import { ECHO, type Target } from "../../target.js";

const FORMATS = [
  "email",
  "uri",
  "uri-template",
  "regex",
  "hostname",
  "iri",
  "json-pointer",
  "date-time",
  "ipv6",
  "duration",
];

/** Formats and other keywords over a megabyte of what comes close to them. */
export async function formats(target: Target): Promise<void> {
  const rpc = connect(target);
  const anyOf = FORMATS.map((format) => ({ format, pattern: "(x+x+)+y" }));
  const s = {
    type: "string",
    allOf: FORMATS.map((format) => ({ not: { format, minLength: 5 } })),
    anyOf,
    maxLength: 1e308,
  };
  const n = { type: "number", multipleOf: 1e-300, minimum: -1e308 };
  await register(rpc, "formats", {
    input_schema: { type: "object", properties: { s, n } },
    steps: [step("one", ECHO)],
  });
  const texts = ["a.", "x:", "{+", "1-", "x@a.", "(a", "::", "[", "/~"].map((text) =>
    text.repeat((MIB - 64) / 2),
  );
  await flood(target, { lanes: 2, most: 60 }, (i) => {
    return fromTemplate(rpc, "formats", JSON.stringify({ s: texts[i % texts.length], n: 1e308 }));
  });
}
