import { isPostgresUrl, withoutPassword } from "#domain/postgres-url";

/** Parts of a URL's query that may be a secret. */
const secretNames = /^(.*(password|passwd|secret|token|key|credential).*|sig|pwd)$/i;

/** A value of a setting without passwords: those in URLs, which may be in lists and tables. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return textWithoutSecrets(value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutSecrets(part)]));
}

function textWithoutSecrets(text: string): string {
  if (isPostgresUrl(text)) return withoutPassword(text);
  if (!text.includes("://")) return text;
  return text
    .replace(
      /:\/\/([^/?#]*)@/,
      (_, user: string) => `://${user.split(":")[0]}${user.includes(":") ? ":***" : ""}@`,
    )
    .replace(/([?&])([^=&#]+)=([^&#]*)/g, (whole, sign: string, name: string) =>
      secretNames.test(name) ? `${sign}${name}=***` : whole,
    );
}
