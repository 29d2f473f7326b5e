import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import { labelsProblem } from "#domain/text/labels";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { exceeds } from "../validate.js";

/**
 * Cuts what is beyond its limit, and calls `cut` if anything was cut. For public workers, which do not know the limits
 * and are therefore not refused.
 */
export function fitText(text: string, max: number, cut: () => void): string {
  if (!exceeds(text, max)) return text;
  cut();
  return clip(text, max);
}

/** Cuts labels. An entry whose name is too long is left out, because a cut name would be another one. */
export function fitLabels(labels: Labels, cut: () => void): Record<string, string> {
  if (labelsProblem(labels) === undefined) return labels;
  cut();
  const kept = Object.entries(labels)
    .filter(([name]) => !exceeds(name, limits.labelBytes))
    .slice(0, limits.labels);
  return Object.fromEntries(kept.map(([name, value]) => [name, clip(value, limits.labelBytes)]));
}

/** Cuts the description of the model that a Run used. */
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
