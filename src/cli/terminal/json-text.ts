import { randomUUID } from "node:crypto";
import { compact, indented } from "#domain/json/layout";

/** A value that is JSON text already: written as it is, with every digit of its numbers. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Returns the value of a text that is empty if there is none. */
export function jsonTextOrNull(text: string): JsonText | null {
  return text === "" ? null : new JsonText(text);
}

/** Writes a value that has {@link JsonText} among its parts: on one line, or with indents. */
export function writeJson(value: unknown, layout: "line" | "indented"): string {
  const texts: string[] = [];
  // Stands for the texts while the rest is written. Random, so that no text of a Task can look like it.
  const mark = randomUUID();
  const withMarks = JSON.stringify(value, (_, part: unknown) => {
    if (!(part instanceof JsonText)) return part;
    return `${mark}${texts.push(part.text) - 1}`;
  });
  const whole = withMarks.replace(
    new RegExp(`"${mark}(\\d+)"`, "g"),
    (_, n: string) => texts[Number(n)] ?? "null",
  );
  return layout === "line" ? compact(whole) : indented(whole);
}
