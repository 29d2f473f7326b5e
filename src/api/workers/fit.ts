import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import { labelsProblem } from "#domain/text/labels";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { exceeds } from "../validate.js";

/**
 * What is within its limits stays as it is; of what is not, as much is kept as fits, and `cut` is called.
 * For those who cannot be refused: a public worker knows no such limits.
 */
export function fitText(text: string, max: number, cut: () => void): string {
  if (!exceeds(text, max)) return text;
  cut();
  return clip(text, max);
}

/** An entry with too long a name is left out whole: a shorter name would be another one. */
export function fitLabels(labels: Labels, cut: () => void): Record<string, string> {
  if (labelsProblem(labels) === undefined) return labels;
  cut();
  const kept = Object.entries(labels)
    .filter(([name]) => !exceeds(name, limits.labelBytes))
    .slice(0, limits.labels);
  return Object.fromEntries(kept.map(([name, value]) => [name, clip(value, limits.labelBytes)]));
}

/** The model a Run used, as far as it can be kept with it. */
export function fitBackend(backend: ModelBackend, cut: () => void): ModelBackend {
  const fitName = (name: string) => fitText(name, limits.idBytes, cut);
  const fitWords = (words: readonly string[]) => {
    if (words.length > limits.labels) cut();
    return words.slice(0, limits.labels).map((word) => fitText(word, limits.labelBytes, cut));
  };
  const { provider, modelName, modalities, tools, metadata } = backend;
  return {
    ...backend,
    provider: fitName(provider),
    modelName: fitName(modelName),
    modalities: fitWords(modalities),
    tools: fitWords(tools),
    metadata: fitLabels(metadata, cut),
  };
}
