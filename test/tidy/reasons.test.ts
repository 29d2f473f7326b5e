/** The reasons why Runs end are listed in the protocol and in docs/errors.md: both lists have all that the code may give. */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The members of the type `Reason`, without the empty one. */
function reasonsOfCode(): string[] {
  const source = ts.createSourceFile("reason.ts", read("src/domain/task/reason.ts"), ts.ScriptTarget.ES2023);
  const reason = source.statements.find(
    (each): each is ts.TypeAliasDeclaration => ts.isTypeAliasDeclaration(each) && each.name.text === "Reason",
  );
  const members = reason && ts.isUnionTypeNode(reason.type) ? reason.type.types : [];
  return members.flatMap((member) =>
    ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal) && member.literal.text !== ""
      ? [member.literal.text]
      : [],
  );
}

/** The reasons of a table of the page's section "Why a run ended". */
function tableOfDocs(index: number): string[] {
  const [, section = ""] = read("docs/errors.md").split("## Why a run ended");
  const table = section.split(/^\| reason .*$/m)[index] ?? "";
  return [...table.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name = ""]) => name);
}

function reasonsOfProtocol(): string[] {
  const comment = /((?: *\/\/.*\n)+) *string reason = 102;/.exec(read("proto/taskrun/v1/task_service.proto"));
  return comment?.[1]?.match(/\b(?:[A-Z]{2,}(?:_[A-Z]+)+|[A-Z]{3,})\b/g) ?? [];
}

test("the protocol names every reason of a Run that docs/errors.md explains, and no other", () => {
  expect(reasonsOfProtocol()).toEqual(tableOfDocs(1));
});

test("docs/errors.md explains every reason, and none that there is not", () => {
  const explained = [...tableOfDocs(1), ...tableOfDocs(2)];

  // STEP_FAILED is a Task's, whose answer has the error of the Step instead.
  expect([...explained, "STEP_FAILED"].sort()).toEqual(reasonsOfCode().sort());
});
