/** A collector of traces on the loopback: keeps the spans that it is sent by OTLP over HTTP, as JSON. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as it was received. */
export interface Received {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly from: number;
  readonly to: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The message of a failure; undefined if there was none. */
  readonly error: string | undefined;
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly relation: unknown;
  }[];
  /** `service.name` and others of its resource. */
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

export class Collector {
  readonly #server: Server;
  readonly received: Received[] = [];
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** What every request is answered with. */
  status = 200;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.requests.push({ path: request.url ?? "", headers: request.headers });
        if (this.status === 200) this.#take(Buffer.concat(chunks).toString());
        response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  static async start(port = 0): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(port, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Each span once: what is sent again has the same id. */
  get spans(): readonly Received[] {
    return [...new Map(this.received.map((span) => [`${span.traceId} ${span.spanId}`, span])).values()];
  }

  /** The spans of one trace, by their names; several of one name in the order of their begin. */
  named(name: string): readonly Received[] {
    return this.spans.filter((span) => span.name === name).sort((a, b) => a.from - b.from);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(body: string): void {
    for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
      for (const { scope, spans } of scopeSpans) {
        for (const span of spans) this.received.push(receivedOf(span, resource, scope));
      }
    }
  }
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code: number; readonly message?: string };
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: readonly OtlpAttribute[];
  }[];
}

function receivedOf(
  span: OtlpSpan,
  resource: { readonly attributes: readonly OtlpAttribute[] },
  scope: { readonly name: string },
): Received {
  const { traceId, spanId, parentSpanId = "", name, kind, attributes, status, links } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    from: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
    to: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    attributes: valuesOf(attributes),
    error: status.code === 2 ? (status.message ?? "") : undefined,
    links: links.map((link) => {
      const { "taskrun.relation": relation } = valuesOf(link.attributes);
      return { traceId: link.traceId, spanId: link.spanId, relation };
    }),
    resource: valuesOf(resource.attributes),
    scope: scope.name,
  };
}

function valuesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/**
 * A trace as text: each span below its parent, two spaces further in, with what is said of its end. Spans whose parent is not
 * there are marked.
 */
export function drawn(spans: readonly Received[]): string {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const lines: string[] = [];
  const draw = (span: Received, depth: number) => {
    const { name, kind, error, links, attributes } = span;
    const isOrphan = span.parentSpanId !== "" && depth === 0;
    const facts = [
      ["internal", "server", "client"][kind - 1] ?? String(kind),
      attributes["taskrun.status"],
      error === undefined ? "" : `ERROR ${error}`,
      ...links.map(({ relation }) => `→ ${relation}`),
      isOrphan ? "of another" : "",
    ].filter((fact) => fact !== undefined && fact !== "");
    lines.push(`${"  ".repeat(depth)}${name}  ${facts.join(", ")}`);
    for (const child of childrenOf(span)) draw(child, depth + 1);
  };
  const childrenOf = ({ spanId }: Received) =>
    sorted(spans.filter(({ parentSpanId }) => parentSpanId === spanId));
  for (const top of sorted(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)))) draw(top, 0);
  return `\n${lines.join("\n")}\n`;
}

function sorted(spans: readonly Received[]): Received[] {
  return [...spans].sort((a, b) => a.from - b.from || (a.name < b.name ? -1 : 1));
}
