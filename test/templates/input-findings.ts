import { type Case, steps, work } from "./finding-kit.js";

/** Inputs of a step that depends on others, whose schemas say what they give. */
function mapped(inputs: readonly (readonly [input: string, message: string])[]): Case[] {
  const tree = "{ properties: { next: { $ref: '#/$defs/tree' } }, additionalProperties: false }";
  const either = "{ anyOf: [{ properties: { a: {} }, additionalProperties: false }, { type: array }] }";
  const pair = "{ type: array, prefixItems: [{}, {}], items: false }";
  const properties = `{ text: { type: string }, pair: ${pair}, tree: { $ref: '#/$defs/tree' }, either: ${either} }`;
  const closed = `{ type: object, $defs: { tree: ${tree} }, properties: ${properties}, additionalProperties: false }`;
  const member = "{ properties: { a: {} }, additionalProperties: false }";
  return inputs.map(([input, message]) => [
    "BAD_INPUT",
    "b",
    steps(`
  - { name: far, ${work} }
  - { name: draft, ${work}, dependencies: [far], result_schema: ${closed} }
  - { name: pause, type: timer, timer: { delay_ms: 1 } }
  - { name: all, type: map, ${work}, map: { over: input/x }, result_schema: ${member} }
  - { name: b, ${work}, dependencies: [draft, pause, all], input: ${input} }`),
    message,
  ]);
}

/** What is found in the `input` of steps. */
export const inputCases: readonly Case[] = [
  ...mapped([
    ["{ x: §{ from: drft } }", 'b: input.x is read from "drft", which is not there; did you mean "draft"?'],
    [
      "{ x: §{ from: far } }",
      'read from the result of "far", on which b does not depend: add that to dependencies',
    ],
    ["{ x: §{ from: imput } }", 'read from "imput", which is not there; did you mean "input"?'],
    ["{ x: §{ from: item } }", "read from item, which only the members of a map have; b is standard"],
    ["{ x: §{ from: index } }", "read from index, which only the members of a map have"],
    ["{ x: §{ from: pause } }", "read from pause, a timer, which has no result"],
    ["{ x: §{ from: draft, path: /a } }", 'input.x has "path" beside from; only at may be there'],
    [
      "{ x: §{ from: 5 } }",
      "input.x has a from that is no name. A constant that has such keys is written { const: … }",
    ],
    ['{ x: §{ from: "" } }', "has a from that is no name"],
    ["{ x: §{ from: draft, at: text } }", 'input.x is at "text", which is no JSON Pointer: write /name/0'],
    ['{ x: §{ from: draft, at: "/a~2" } }', 'is at "/a~2", which is no JSON Pointer'],
    ["{ x: §{ from: draft, at: 0 } }", "is at 0, which is no JSON Pointer"],
    ["{ x: §{ const: 1, more: 2 } }", 'input.x has "more" beside const, which is alone in its object'],
    ["{ x: §[1, { y: { from: drft } }] }", 'input.x[1].y is read from "drft"'],
    ["{ checkpoint: §1 }", "input.checkpoint would be replaced by the checkpoint that is added"],
    ["{ x: §{ from: draft, at: /none } }", 'at "/none", where its schema allows no "none"'],
    ["{ x: §{ from: draft, at: /txt } }", 'where its schema allows no "txt"; did you mean "text"?'],
    ["{ x: §{ from: draft, at: /text/a } }", 'where its schema allows no "a"'],
    ["{ x: §{ from: draft, at: /pair/2 } }", 'where its schema allows no "2"'],
    ["{ x: §{ from: draft, at: /tree/next/next/nxt } }", 'allows no "nxt"; did you mean "next"?'],
    ["{ x: §{ from: draft, at: /either/c } }", 'allows no "c"'],
    ["{ x: §{ from: all, at: /0/b } }", 'allows no "b"'],
  ]),
  [
    "UNDECLARED_PATH",
    "a",
    `${steps(`  - { name: a, ${work}, input: { x: §{ from: input, at: /lnag } } }\n`)}input_schema: { properties: { lang: {} } }\n`,
    'a: input.x is read from the task\'s input at "/lnag", and its schema does not mention "lnag"; did you mean "lang"?',
  ],
  [
    "BAD_INPUT",
    "a",
    steps(`  - { name: a, type: map, ${work}, map: { over: input/x }, input: { item: §1 } }`),
    "input.item would be replaced by the item that is added",
  ],
  [
    "BAD_INPUT",
    "a",
    steps("  - { name: a, type: child_task, child: { agent: x, input: input/x }, input: §{ y: 1 } }"),
    "input and child.input both say what the child is given",
  ],
  [
    "BAD_INPUT",
    "b",
    steps(
      `  - { name: input, ${work} }\n  - { name: b, ${work}, dependencies: [input], input: { x: §{ from: input } } }`,
    ),
    "which is also the name of a step that b depends on: rename that step",
  ],
  [
    "BAD_INPUT",
    "undo",
    steps(
      `  - { name: a, ${work}, compensate: undo }\n  - { name: undo, ${work}, input: { x: §{ from: a } } }`,
    ),
    "a compensation runs in a Task of its own: read it from input",
  ],
  [
    "BAD_INPUT",
    "c",
    steps(`
  - { name: cut, type: batchable, ${work}, batch_config: { worker_template: w } }
  - { name: w, type: batch_worker, ${work} }
  - { name: c, ${work}, dependencies: [w], input: { x: §{ from: w } } }`),
    "which has one for each batch: join them first",
  ],
  [
    "BAD_INPUT",
    "a",
    steps(
      `  - { name: a, ${work}, input: §{ ${Array.from({ length: 65 }, (_, i) => `p${i}: { from: input }`).join(", ")} } }`,
    ),
    "input reads 65 parts of the Task's data; 64 are the most",
  ],
  [
    "MISPLACED_PART",
    "a",
    steps("  - { name: a, type: timer, timer: { delay_ms: 1 }, input: §{ x: 1 } }"),
    "input belongs to steps that have an agent or a child; a timer is given none",
  ],
  [
    "WRONG_TYPE",
    "a",
    steps(`  - { name: a, ${work}, input: §[1] }`),
    "steps.a.input is a list; it should be an object",
  ],
];
