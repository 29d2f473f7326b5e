import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  GetTemplateRequestSchema,
  ListTemplatesRequestSchema,
  RegisterTemplateRequestSchema,
  TemplateService,
  ValidateTemplateRequestSchema,
  type Template as WireTemplate,
} from "#wire/gen/taskrun/v1/template_service_pb";
import type { CallControl, Caller } from "./call.js";
import { toFinding, toTemplate } from "./convert.js";
import { TaskRunError } from "./error.js";
import { namesOf } from "./option-names.js";
import { objectOf, optionsOf, requestOf, wrongArgument } from "./request.js";
import type { Finding, Template, WholeTemplate } from "./template-views.js";

/**
 * Names a registered template.
 *
 * @example
 * ```ts
 * import { createClient, type TemplateName } from "taskrun/client";
 *
 * const newest: TemplateName = { name: "book_trip" };
 * const { version, source } = await createClient().templates.get(newest);
 * ```
 */
export interface TemplateName {
  /** Default: the client's. */
  readonly namespace?: string;
  readonly name: string;
  /** Default: the newest. */
  readonly version?: string;
}

/**
 * Selects templates of a list.
 *
 * @example
 * ```ts
 * import { createClient, type TemplateFilter } from "taskrun/client";
 *
 * const versions: TemplateFilter = { name: "book_trip" };
 * for await (const { version } of createClient().templates.list(versions)) console.log(version);
 * ```
 */
export interface TemplateFilter {
  /** Default: the client's; if that has none, every namespace that the caller may see. */
  readonly namespace?: string;
  /** Only versions of this template. */
  readonly name?: string;
  /** Templates per page, at most 1 000. Default 100. */
  readonly pageSize?: number;
}

const templateFilterNames = namesOf<TemplateFilter>({ namespace: true, name: true, pageSize: true });

/**
 * One page of a list.
 *
 * @example
 * ```ts
 * import { createClient, type TemplatePage } from "taskrun/client";
 *
 * const { templates, nextPageToken }: TemplatePage = await createClient().templates.page({ pageSize: 50 });
 * console.log(templates.length, nextPageToken === "" ? "that is all" : "there are more");
 * ```
 */
export interface TemplatePage {
  readonly templates: readonly Template[];
  /** Pass it as `pageToken` to get the next page; empty on the last one. */
  readonly nextPageToken: string;
}

/**
 * The answer of {@link Templates.register}.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { createClient, type Registered } from "taskrun/client";
 *
 * const source = await readFile("booking.yaml", "utf8");
 * const { template, created }: Registered = await createClient().templates.register(source);
 * console.log(created ? "registered" : "already registered", template.name, template.version);
 * ```
 */
export interface Registered {
  readonly template: WholeTemplate;
  /** False if the same template was registered before. */
  readonly created: boolean;
  /** Warnings and infos. */
  readonly findings: readonly Finding[];
}

/**
 * The answer of {@link Templates.validate}.
 *
 * @example
 * ```ts
 * import { createClient, type Validated } from "taskrun/client";
 *
 * const { valid, findings }: Validated = await createClient().templates.validate("name: book_trip\n");
 * if (!valid) console.error(findings.map(({ line, message }) => `${line}: ${message}`).join("\n"));
 * ```
 */
export interface Validated {
  /** True if it can be registered: no finding is an error. */
  readonly valid: boolean;
  /** Errors first, then warnings, then infos. */
  readonly findings: readonly Finding[];
  readonly stepCount: number;
  /** True if Steps depend on one another in a cycle. */
  readonly hasCycles: boolean;
}

/**
 * Registers, reads and checks templates. Reached as `client.templates`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 * import { workflow } from "taskrun/templates";
 *
 * const hello = workflow("hello", (w) => w.step("greet", { agent: "greet" }));
 * const { templates, tasks } = createClient();
 * await templates.register(hello.source);
 * await tasks.run({ template: hello, input: { name: "Ada" } });
 * ```
 */
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
   * Registers a version of a template. A registered version cannot be changed or removed; registering the same text
   * again changes nothing. `ALREADY_EXISTS` if the version has another body; `INVALID_ARGUMENT`, naming the first error,
   * if the text has errors.
   *
   * @param source YAML or JSON text
   * @param namespace if given, it must equal the namespace in the text
   */
  async register(source: string, namespace = "", control?: CallControl): Promise<Registered> {
    const request = requestOf(RegisterTemplateRequestSchema, { source, namespace });
    const { template, created, findings } = await this.#caller.once(
      (o) => this.#wire.register(request, o),
      control,
    );
    return { template: toWhole(template), created, findings: findings.map(toFinding) };
  }

  /** Returns one version with its text and body. The message of `NOT_FOUND` names the versions that exist. */
  async get(named: TemplateName, control?: CallControl): Promise<WholeTemplate> {
    if (named === undefined) throw wrongArgument("template", "is missing: name it as { name, version }.");
    const { namespace = this.#namespace, name = "", version = "" } = objectOf(named, "template");
    const request = requestOf(GetTemplateRequestSchema, { template: { namespace, name, version } });
    return toWhole(await this.#caller.once((o) => this.#wire.get(request, o), control));
  }

  /** Returns one page, ordered by namespace and name, the newest version first. */
  async page(
    filter: TemplateFilter & { readonly pageToken?: string } = {},
    control?: CallControl,
  ): Promise<TemplatePage> {
    const selected = optionsOf(filter, "filter", [...templateFilterNames, "pageToken"]);
    const { namespace = this.#namespace, name = "", pageSize = 0, pageToken = "" } = selected;
    const request = requestOf(ListTemplatesRequestSchema, { namespace, name, pageSize, pageToken });
    const { templates, nextPageToken } = await this.#caller.once((o) => this.#wire.list(request, o), control);
    return { templates: templates.map(toTemplate), nextPageToken };
  }

  /** Iterates over all matching templates, in the order of {@link page}, reading pages as needed. */
  async *list(filter: TemplateFilter = {}, control?: CallControl): AsyncGenerator<Template, void> {
    let pageToken = "";
    do {
      const page = await this.page(
        { ...optionsOf(filter, "filter", templateFilterNames), pageToken },
        control,
      );
      yield* page.templates;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Reports everything that is wrong with a template, without registering it. */
  async validate(source: string, control?: CallControl): Promise<Validated> {
    const request = requestOf(ValidateTemplateRequestSchema, { source });
    const answer = await this.#caller.once((o) => this.#wire.validate(request, o), control);
    const { valid, findings, stepCount, hasCycles } = answer;
    return { valid, findings: findings.map(toFinding), stepCount, hasCycles };
  }
}

function toWhole(wire: WireTemplate | undefined): WholeTemplate {
  if (!wire) throw new TaskRunError("INTERNAL", "the server answered without a template");
  return { ...toTemplate(wire), source: wire.source, bodyJson: wire.bodyJson };
}
