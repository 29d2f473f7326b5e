/**
 * The only ways in which this page makes elements. Texts become text nodes and attribute values, never markup, so that
 * whatever an agent or a client calls itself stays a name.
 */

type Attributes = Readonly<Record<string, string | number | undefined>>;

const SVG = "http://www.w3.org/2000/svg";

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

/** Sets those that are given, and removes those that are undefined. */
export function setAttributes(on: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) on.removeAttribute(name);
    else if (on.getAttribute(name) !== String(value)) on.setAttribute(name, String(value));
  }
}

export function setText(on: Element, text: string): void {
  if (on.textContent !== text) on.textContent = text;
}

/** An element of the page's own markup. @throws if there is none: then the markup and the code are of two versions */
export function byId<Kind extends Element = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found as unknown as Kind;
}
