import { VERSION_LENGTH_MAX, versionPattern } from "#domain/template/version";
import { limits } from "#limits/index";
import { text } from "./shape.js";

export const PROSE = text(limits.proseBytes);
export const WORD = text(limits.idBytes);

export const stepName = text(128, {
  pattern: "^(?!ALL$)[A-Za-z0-9_.-]+$",
  says: 'made of letters, digits, "_", "-" and "." alone, and other than ALL',
  code: "BAD_NAME",
});

export const version = text(VERSION_LENGTH_MAX, {
  pattern: versionPattern,
  says: "a semantic version such as 1.4.0 or 2.0.0-rc.1",
  code: "BAD_VERSION",
});

export const agentName = text(limits.idBytes, {
  pattern: "\\S",
  says: "the name of an agent",
  code: "EMPTY_CALLABLE",
});
