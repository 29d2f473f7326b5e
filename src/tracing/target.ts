/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Path of traces below the base URL of a collector. */
const TRACES_PATH = "v1/traces";

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
];

/**
 * The URL that spans are sent to: that of the setting `otlp`, else that of OpenTelemetry's own variables. Undefined if
 * neither names one, or `OTEL_SDK_DISABLED` is true.
 *
 * @param otlp base URL of a collector, checked; empty if there is none
 * @param warn called with what of the variables cannot be followed; a process of another version may want it so
 */
export function otlpTarget(
  otlp: string,
  env: Environment,
  warn: (message: string) => void,
): string | undefined {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return undefined;
  const url = otlp === "" ? urlOfVariables(env, warn) : tracesUrl(otlp);
  if (url !== undefined) checkSampler(env, warn);
  return url;
}

function urlOfVariables(env: Environment, warn: (message: string) => void): string | undefined {
  const [own, base] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
  const name = env[own] ? own : base;
  const text = env[name]?.trim();
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() || "otlp";
  if (!text || exporter === "none") return undefined;
  const refuse = (why: string) => void warn(`no traces are sent: ${why}`);
  if (exporter !== "otlp") return refuse(`OTEL_TRACES_EXPORTER is ${exporter}; only otlp and none are known`);
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol === "grpc") {
    return refuse(`the OTLP protocol is grpc; name the HTTP port of the collector, often 4318, by --otlp`);
  }
  if (!isHttpUrl(text)) return refuse(`${name} is no http:// or https:// URL`);
  return name === own ? text : tracesUrl(text);
}

/** The whole URL for a base URL, or for one that is whole already. */
function tracesUrl(text: string): string {
  const url = new URL(text);
  if (url.pathname.endsWith(`/${TRACES_PATH}`)) return url.href;
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${TRACES_PATH}`;
  return url.href;
}

/** The SDK would say nothing, and sample everything. */
function checkSampler(
  { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg }: Environment,
  warn: (m: string) => void,
): void {
  if (name && !samplers.includes(name)) {
    warn(`OTEL_TRACES_SAMPLER is ${name}, none of ${samplers.join(", ")}: every trace is recorded`);
  }
  if (!name?.endsWith("traceidratio")) return;
  const ratio = Number(arg?.trim() || Number.NaN);
  if (ratio >= 0 && ratio <= 1) return;
  warn(`OTEL_TRACES_SAMPLER_ARG is ${arg || "not set"}, no number from 0 to 1: every trace is recorded`);
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** The URL without a password, for people. */
export function shownUrl(url: string): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.search = "";
  return shown.href;
}
