/**
 * Traces as OpenTelemetry has them, handed to a collector by OTLP over HTTP. Nothing is registered globally and nothing is
 * patched: what is followed is what calls `begin`. The collector's address is the operator's own, often inside their
 * network, and no request has a say in it; so it is not one for ctx.fetch, which is for addresses that customers write.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import * as otel from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracesConfig } from '../../config/traces.ts';
import type { Context } from '../context.ts';
import { codeOf, type Span, type SpanKind, type SpanStart, type Tracer } from '../kernel/tracer.ts';
import { withoutIdleJobs } from './idle-jobs.ts';

type Log = Pick<Context['log'], 'warn'>;

/** Less than a drain lasts: a collector that is gone must not hold the process up. */
const closingMs = 2000;
const exportMs = 5000;
const complainAgainMs = 60_000;

const kinds: Readonly<Record<SpanKind, otel.SpanKind>> = {
  request: otel.SpanKind.SERVER,
  job: otel.SpanKind.INTERNAL,
  statement: otel.SpanKind.CLIENT,
  call: otel.SpanKind.CLIENT,
  work: otel.SpanKind.INTERNAL,
};
const beginsTrace: ReadonlySet<SpanKind> = new Set(['request', 'job']);

export function openTelemetry({ url, headers, serviceName, ratio }: TracesConfig, log: Log): Tracer {
  const exporter = complaining(new OTLPTraceExporter({ url, headers, timeoutMillis: exportMs }), log);
  const batches = new BatchSpanProcessor({
    exporter,
    exportTimeoutMillis: exportMs,
    scheduledDelayMillis: 1000,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [withoutIdleJobs(batches)],
  });
  const spans = provider.getTracer('doorward');
  const current = new AsyncLocalStorage<otel.Span>();

  const begin = (start: SpanStart): Span => {
    const { kind, name, attributes = {} } = start;
    const parent = beginsTrace.has(kind) ? undefined : current.getStore();
    if (!parent && !beginsTrace.has(kind)) return unfollowed;
    const above = parent ? otel.trace.setSpan(otel.ROOT_CONTEXT, parent) : otel.ROOT_CONTEXT;
    const options = { kind: kinds[kind], attributes: { ...attributes }, links: linksOf(start) };
    return spanOf(spans.startSpan(name, options, above), current);
  };
  return {
    begin,
    close: () => Promise.race([provider.shutdown().catch(() => undefined), pause(closingMs)]),
  };
}

const unfollowed: Span = { traceId: undefined, run: (work) => work(), set: () => {}, end: () => {} };

function spanOf(span: otel.Span, current: AsyncLocalStorage<otel.Span>): Span {
  return {
    traceId: span.isRecording() ? span.spanContext().traceId : undefined,
    run: (work) => current.run(span, work),
    set: (attributes) => void span.setAttributes(attributes),
    end(failure) {
      if (failure !== undefined) {
        span.setAttribute('error.type', failure);
        span.setStatus({ code: otel.SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

/**
 * Whoever sends a `traceparent` may be anybody: continued, it would let them choose which of our requests are kept, and
 * put spans of ours into a trace of somebody else. `tracestate` is free text, and is not even read.
 */
function linksOf({ cameWith = '' }: SpanStart): otel.Link[] {
  const [, traceId = '', spanId = '', flags = ''] =
    /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:$|-)/.exec(cameWith) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return otel.isSpanContextValid(context) ? [{ context }] : [];
}

/** A collector that takes nothing is told of once a minute; its answer, which is anything, is not. */
function complaining(exporter: SpanExporter, log: Log): SpanExporter {
  let silentUntil = 0;
  return {
    export(spans, report) {
      exporter.export(spans, (result) => {
        const now = performance.now();
        if (result.code !== ExportResultCode.SUCCESS && now >= silentUntil) {
          silentUntil = now + complainAgainMs;
          log.warn({ code: codeOf(result.error), spans: spans.length }, 'traces were not handed over');
        }
        report(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
