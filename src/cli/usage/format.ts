import type { Usage } from "#client/index";

/** A count with a space between thousands: 1 234 567. */
export function tokens(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Millionths of a US dollar as `$1.23`; of less than a dollar as many digits as tell it apart from nothing. */
export function dollars(usdMicros: number): string {
  const digits = usdMicros === 0 || usdMicros >= 1_000_000 ? 2 : 6;
  const text = (usdMicros / 1_000_000).toFixed(digits);
  return `$${digits === 6 ? text.replace(/0{1,4}$/, "") : text}`;
}

/** What was used, in a sentence; empty if nothing was. */
export function usageText(usage: Usage | undefined): string {
  if (!usage) return "";
  const { inputTokens, outputTokens, cachedTokens, toolCalls, usdMicros, unpricedTokens, late } = usage;
  const parts = [
    `${tokens(inputTokens)} tokens read`,
    cachedTokens > 0 ? `${tokens(cachedTokens)} of them cached` : "",
    `${tokens(outputTokens)} written`,
    toolCalls > 0 ? `${tokens(toolCalls)} calls of tools` : "",
    dollars(usdMicros),
    unpricedTokens > 0 ? `${tokens(unpricedTokens)} tokens without a price` : "",
    late ? `${tokens(late.inputTokens + late.outputTokens)} tokens reported after the end` : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}
