import type { FindingCode } from "#templates/index";

/** A text in which `§` stands right before what the finding is to point at. */
export type Case = readonly [code: FindingCode, step: string, marked: string, message: RegExp | string];

export const head = "name: order\nnamespace_name: shop\nversion: 1.0.0\n";
export const steps = (text: string) => `${head}steps:\n${text.replace(/^\n/, "")}`;
export const work = "handler: { callable: x }";
export const plain = `  - { name: a, ${work} }\n`;
