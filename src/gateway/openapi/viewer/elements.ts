/**
 * The only way in which this page makes elements. Texts become text nodes and attribute values, never markup: what the document or an
 * answer says stays a text.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An element of the page's own markup. @throws if there is none: then the markup and the code are of two versions */
export function byId<Kind extends HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found as Kind;
}

/** An element that opens, and is filled when it is opened first. */
export function opens(
  summary: Node,
  attributes: Readonly<Record<string, string>>,
  fill: () => Node,
): HTMLDetailsElement {
  const made = element("details", attributes, element("summary", {}, summary));
  made.addEventListener("toggle", () => {
    if (made.open && made.childElementCount === 1) made.append(fill());
  });
  return made;
}
