import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { TemplateService, type Template as WireTemplate } from "#wire/gen/taskrun/v1/template_service_pb";
import type { CallControl, Caller } from "./call.js";
import { toFinding, toTemplate } from "./convert.js";
import type { Finding, Template, WholeTemplate } from "./views.js";

/** Names a template. */
export interface TemplateName {
  /** The caller's own if left out. */
  readonly namespace?: string;
  readonly name: string;
  /** The newest if left out. */
  readonly version?: string;
}

export interface TemplateFilter {
  /** All that may be seen if left out. */
  readonly namespace?: string;
  /** Only versions of this one. */
  readonly name?: string;
  /** Templates to a page, at most 1 000; 100 if left out. */
  readonly pageSize?: number;
}

export interface TemplatePage {
  readonly templates: readonly Template[];
  /** Give it as `pageToken` to read on; empty on the last page. */
  readonly nextPageToken: string;
}

export interface Registered {
  readonly template: WholeTemplate;
  /** False if it was there already. */
  readonly created: boolean;
  /** Warnings and remarks. */
  readonly findings: readonly Finding[];
}

export interface Validated {
  /** True if it could be registered. */
  readonly valid: boolean;
  /** Errors first. */
  readonly findings: readonly Finding[];
  readonly stepCount: number;
  readonly hasCycles: boolean;
}

/** Registers, shows and checks templates. Every method throws `TaskRunError`. */
export class Templates {
  readonly #wire: Client<typeof TemplateService>;
  readonly #caller: Caller;
  readonly #namespace: string;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(TemplateService, transport);
    this.#caller = caller;
    this.#namespace = namespace;
  }

  /**
   * Makes a template known for good; the same once more changes nothing. ALREADY_EXISTS if the version is
   * known with another body, INVALID_ARGUMENT, naming the first, if there are errors.
   *
   * @param source YAML or JSON text
   * @param namespace must be the one that the text names, if given
   */
  async register(source: string, namespace = "", control?: CallControl): Promise<Registered> {
    const request = { source, namespace };
    const { template, created, findings } = await this.#caller.once(
      (o) => this.#wire.register(request, o),
      control,
    );
    return { template: toWhole(template), created, findings: findings.map(toFinding) };
  }

  /** One version, with its text and body. NOT_FOUND names the versions there are. */
  async get(named: TemplateName, control?: CallControl): Promise<WholeTemplate> {
    const { namespace = this.#namespace, name, version = "" } = named;
    const request = { template: { namespace, name, version } };
    return toWhole(await this.#caller.once((o) => this.#wire.get(request, o), control));
  }

  /** One page, by namespace and name, the newest version first. */
  async page(
    filter: TemplateFilter & { readonly pageToken?: string } = {},
    control?: CallControl,
  ): Promise<TemplatePage> {
    const { namespace = this.#namespace, name = "", pageSize = 0, pageToken = "" } = filter;
    const request = { namespace, name, pageSize, pageToken };
    const { templates, nextPageToken } = await this.#caller.once((o) => this.#wire.list(request, o), control);
    return { templates: templates.map(toTemplate), nextPageToken };
  }

  /** All that fit, in order; pages are read as they are needed. */
  async *list(filter: TemplateFilter = {}, control?: CallControl): AsyncGenerator<Template, void> {
    let pageToken = "";
    do {
      const page = await this.page({ ...filter, pageToken }, control);
      yield* page.templates;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** All that is wrong with a template; nothing is registered. */
  async validate(source: string, control?: CallControl): Promise<Validated> {
    const answer = await this.#caller.once((o) => this.#wire.validate({ source }, o), control);
    const { valid, findings, stepCount, hasCycles } = answer;
    return { valid, findings: findings.map(toFinding), stepCount, hasCycles };
  }
}

function toWhole(wire: WireTemplate | undefined): WholeTemplate {
  if (!wire) throw new TypeError("the server answered without a template");
  return { ...toTemplate(wire), source: wire.source, bodyJson: wire.bodyJson };
}
