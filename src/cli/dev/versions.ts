import { developmentNumber, developmentVersion } from "#domain/template/development";
import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template/template";
import { limits } from "#limits/index";
import type { Plane } from "#ports/plane";
import type { Loaded, Needs, Reads, Store } from "#ports/store";
import { digestOf } from "#templates/digest";

/** Called when a version is registered for another one, or stands for it again. */
type Told = (version: TemplateRef, registeredAs: string) => void;

/**
 * Templates under development, for `taskrun dev` alone: whatever is registered through its plane is registered as
 * `VERSION-dev.N`, N one higher for each change, and `VERSION` resolves to the newest of them. So a version, once
 * registered, never changes, and one that is still being written need not be counted up by hand.
 */
export class DevelopmentVersions {
  /** What stands for a version, by {@link templateKey}. Bounded by the versions that one namespace may have. */
  readonly #standIns = new Map<string, TemplateRef>();
  readonly #told: Told;
  #registering: Promise<unknown> = Promise.resolve();

  constructor(told: Told) {
    this.#told = told;
  }

  /** The store, whose reads resolve versions. */
  around(store: Store): Store {
    const reads: Reads = {
      ...bound(store.reads),
      template: async (ref) => {
        const found = await store.reads.template(this.#resolved(ref));
        const standIn = found && ref.version === "" ? this.#standInOf(found) : undefined;
        return standIn ? store.reads.template(standIn) : found;
      },
    };
    return { ...bound(store), reads, load: (needs) => this.#load(needs, store) };
  }

  /** The plane, whose registrations are those of templates under development. */
  of(plane: Plane): Plane {
    const register: Plane["register"] = (caller, template) => {
      const registered = this.#registering.then(() => this.#register(plane, caller, template));
      this.#registering = registered.catch(() => undefined);
      return registered;
    };
    return Object.create(plane, { register: { value: register } }) as Plane;
  }

  async #register(plane: Plane, ...[caller, template]: Parameters<Plane["register"]>): Promise<TemplateRow> {
    const newest = await newestOf(plane.reads, template);
    const as = (n: number) => {
      const version = developmentVersion(template.version, n);
      const body = { ...template.body, version };
      return { ...template, version, body, digest: digestOf(body) };
    };
    const same = newest && as(newest.n).digest === newest.row.digest ? newest.row : undefined;
    const row = same ?? (await plane.register(caller, as((newest?.n ?? 0) + 1)));
    const { namespace, name, version } = row;
    const before = this.#standIns.get(templateKey(template));
    this.#standIns.set(templateKey(template), { namespace, name, version });
    if (before?.version !== version) this.#told(template, version);
    return row;
  }

  /** Loads what stands for the versions that a turn needs, under the versions that it has asked for. */
  async #load(needs: Needs, store: Store): Promise<Loaded> {
    const { templates: wanted = [] } = needs;
    if (wanted.length === 0 || this.#standIns.size === 0) return store.load(needs);
    const loaded = await store.load(needs);
    const named = [...wanted.filter(({ version }) => version !== ""), ...loaded.templates];
    const replaced = named.filter((ref) => this.#standInOf(ref) !== undefined);
    if (replaced.length === 0) return loaded;
    const rows = await Promise.all(replaced.map((ref) => store.reads.template(this.#resolved(ref))));
    const standing = rows.flatMap((row, i) => (row ? [{ ...row, version: replaced[i]?.version ?? "" }] : []));
    const others = loaded.templates.filter((row) => this.#standInOf(row) === undefined);
    return { ...loaded, templates: [...others, ...standing] };
  }

  #standInOf(ref: TemplateRef): TemplateRef | undefined {
    return this.#standIns.get(templateKey(ref));
  }

  #resolved(ref: TemplateRef): TemplateRef {
    return this.#standInOf(ref) ?? ref;
  }
}

/** The newest body of a version that was registered in development, also by an earlier process. */
async function newestOf(reads: Reads, { namespace, name, version }: TemplateRef) {
  let newest: { n: number; row: TemplateRow } | undefined;
  let after: TemplateRef | undefined;
  do {
    const page = await reads.templates({ namespaces: [namespace], name }, after, limits.pageSizeMax);
    for (const row of page.templates) {
      const n = developmentNumber(row.version, version);
      if (n > (newest?.n ?? 0)) newest = { n, row };
    }
    after = page.next;
  } while (after);
  return newest;
}

/** An object of functions, of which some are to be replaced: of an instance of a class the others need their `this`. */
function bound<T extends object>(from: T): T {
  const names = new Set<string>();
  for (let at: object | null = from; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== "constructor") names.add(name);
  }
  const entries = [...names].map((name) => {
    const value = from[name as keyof T];
    return [name, typeof value === "function" ? value.bind(from) : value];
  });
  return Object.fromEntries(entries) as T;
}
