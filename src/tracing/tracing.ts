/** Whether and how traces are kept. Without OTEL_EXPORTER_OTLP_ENDPOINT nothing of it is even loaded. */
import type { Logger } from 'pino';
import type { Config } from '../../config/load.ts';
import type { Job } from '../background.ts';
import type { Context } from '../context.ts';
import type { Gate } from '../kernel/gate.ts';
import { doneAttribute, follow, jobPrefix, type Span, type Tracer } from '../kernel/tracer.ts';
import type { MailTransport } from '../mail/transport.ts';

/** Undefined where there is nobody to hand traces to. */
export async function openTracing(
  { traces }: Config,
  log: Pick<Context['log'], 'warn'>,
): Promise<Tracer | undefined> {
  if (!traces) return undefined;
  const { openTelemetry } = await import('./opentelemetry.ts');
  return openTelemetry(traces, log);
}

/** Each run is a trace, and its log lines name it. One that finds nothing to do leaves none. */
export function followJobs(
  jobs: readonly Job[],
  { tracer, log }: { readonly tracer: Tracer | undefined; readonly log: Logger },
): readonly Job[] {
  if (!tracer) return jobs;
  return jobs.map((job) => ({
    ...job,
    run: (ctx) =>
      follow(tracer, { kind: 'job', name: `${jobPrefix}${job.name}` }, async (span) => {
        const done = await job.run({ ...ctx, log: logOf(span, log) });
        if (done !== undefined) span?.set({ [doneAttribute]: done });
        return done;
      }),
  }));
}

/** A log whose lines name the trace; the same where nothing is kept of it. */
export function logOf<Log extends { child(bindings: object): Log }>(span: Span | undefined, log: Log): Log {
  return span?.traceId === undefined ? log : log.child({ trace_id: span.traceId });
}

/** The wait for a slot is part of it: that is what people wait for. */
export function followGate(gate: Gate, tracer: Tracer | undefined): Gate {
  if (!tracer) return gate;
  return { ...gate, run: (work) => follow(tracer, { kind: 'work', name: 'hash' }, () => gate.run(work)) };
}

export function followMail(transport: MailTransport, tracer: Tracer | undefined): MailTransport {
  if (!tracer) return transport;
  return {
    ...transport,
    send: (mail) => follow(tracer, { kind: 'call', name: 'SMTP' }, () => transport.send(mail)),
  };
}
