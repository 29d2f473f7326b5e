import type { EnrolmentKind, EnrolmentOf } from "#domain/access/enrolment";
import type { EnrolmentStore } from "#ports/enrolment";

/** Rows that are read at once. */
const PAGE = 500;

/** All rows of a kind, page by page. */
export async function* allOf<Kind extends EnrolmentKind>(
  store: EnrolmentStore,
  kind: Kind,
): AsyncGenerator<EnrolmentOf<Kind>, void> {
  for (let after = ""; ; ) {
    const page = await store.list(kind, after, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? "";
  }
}
