/** Jobs look for work every second and mostly find none: those runs would be nearly all traces there are. */
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { SpanStatusCode } from '@opentelemetry/api';
import { doneAttribute, jobPrefix } from '../kernel/tracer.ts';

/** A run with more has something to do, whatever it says at its end. */
const mostHeld = 200;

/** Holds the spans of a job until its run is over; lets them go on when it has done something or failed. */
export function withoutIdleJobs(next: SpanProcessor): SpanProcessor {
  const runs = new Map<string, ReadableSpan[]>();
  const release = (traceId: string, held: readonly ReadableSpan[]): void => {
    runs.delete(traceId);
    for (const span of held) next.onEnd(span);
  };
  return {
    onStart(span, context) {
      if (isRun(span)) runs.set(span.spanContext().traceId, []);
      next.onStart(span, context);
    },
    onEnd(span) {
      const { traceId } = span.spanContext();
      const held = runs.get(traceId);
      if (!held) {
        next.onEnd(span);
        return;
      }
      held.push(span);
      if (isRun(span) ? isWorthTelling(span) : held.length > mostHeld) release(traceId, held);
      else if (isRun(span)) runs.delete(traceId);
    },
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}

function isRun({ name, parentSpanContext }: Pick<ReadableSpan, 'name' | 'parentSpanContext'>): boolean {
  return parentSpanContext === undefined && name.startsWith(jobPrefix);
}

function isWorthTelling({ attributes, status }: ReadableSpan): boolean {
  return Number(attributes[doneAttribute] ?? 0) > 0 || status.code === SpanStatusCode.ERROR;
}
