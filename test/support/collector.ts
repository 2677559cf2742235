/** A collector of traces: takes OTLP over HTTP as JSON, and shows what it was handed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Test } from 'tap';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2 is an error. */
  readonly status: number;
  readonly service: unknown;
}

export interface Collector {
  readonly endpoint: string;
  /** Everything that was posted, as it was. */
  readonly bodies: readonly string[];
  readonly headers: readonly NodeJS.Dict<string | string[]>[];
  spans(): CollectedSpan[];
  /** The spans once there are such; they are handed over a while after they have ended. */
  until(isThere: (spans: readonly CollectedSpan[]) => boolean): Promise<CollectedSpan[]>;
}

const longestWaitMs = 60_000;

export async function startCollector(t: Test, status = 200): Promise<Collector> {
  const bodies: string[] = [];
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      headers.push(request.headers);
      response.writeHead(request.url === '/otel/v1/traces' ? status : 404).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const spans = (): CollectedSpan[] => bodies.flatMap((body) => spansOf(JSON.parse(body)));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/otel`,
    bodies,
    headers,
    spans,
    async until(isThere) {
      for (let waited = 0; waited < longestWaitMs; waited += 50) {
        const all = spans();
        if (isThere(all)) return all;
        await pause(50);
      }
      throw new Error(`not among: ${[...new Set(spans().map(({ name }) => name))].join(', ')}`);
    },
  };
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan extends Omit<CollectedSpan, 'attributes' | 'links' | 'status' | 'service'> {
  readonly attributes: readonly OtlpAttribute[];
  readonly links?: CollectedSpan['links'];
  readonly status?: { readonly code?: number };
}

function spansOf({ resourceSpans }: OtlpRequest): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = valuesOf(resource.attributes)['service.name'];
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId, name, kind, attributes, links = [], status }) => ({
        ...{ traceId, spanId, parentSpanId, name, kind, links, service },
        attributes: valuesOf(attributes),
        status: status?.code ?? 0,
      })),
    );
  });
}

function valuesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
