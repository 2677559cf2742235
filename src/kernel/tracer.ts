/** Traces: what is done, below what it is done for, how long it takes and how it ends. */

/**
 * `request` and `job` begin a trace of their own. A `statement` of the database, a `call` to another service and `work`
 * inside are below one of those, or are not followed.
 */
export type SpanKind = 'request' | 'job' | 'statement' | 'call' | 'work';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/**
 * Nothing here may say who, or anything that was sent: traces are kept elsewhere, and read by others. So: patterns of
 * routes, names of tables, hosts, codes; never an address of a page, a value or a message.
 */
export interface SpanStart {
  readonly kind: SpanKind;
  readonly name: string;
  readonly attributes?: Attributes;
  /** A stranger's `traceparent` (W3C Trace Context): noted as a link, never continued. */
  readonly cameWith?: string | undefined;
}

export interface Span {
  /** Undefined where nothing is kept of it. */
  readonly traceId: string | undefined;
  /** What `work` begins is below this span, whenever it happens. */
  run<Result>(work: () => Result): Result;
  set(attributes: Attributes): void;
  /** Once; with the code of what went wrong, if something did. */
  end(failure?: string): void;
}

/** Throws nothing and keeps nobody waiting. */
export interface Tracer {
  begin(start: SpanStart): Span;
  /** Hands over what is left, for two seconds at most. */
  close(): Promise<void>;
}

/** How the name of a job's span begins. */
export const jobPrefix = 'job ';
/** Of a job: how much there was to do. */
export const doneAttribute = 'doorward.done';

/** Does `work` as a span; without a tracer it just does it. Rejects as `work` does. */
export async function follow<Result>(
  tracer: Tracer | undefined,
  start: SpanStart,
  work: (span?: Span) => Promise<Result>,
): Promise<Result> {
  if (!tracer) return work();
  const span = tracer.begin(start);
  try {
    const result = await span.run(() => work(span));
    span.end();
    return result;
  } catch (error) {
    span.end(codeOf(error));
    throw error;
  }
}

/** The code or the name of an error: a message may quote what was sent. */
export function codeOf(error: unknown): string {
  const { code, name, cause } = Object(error) as { code?: unknown; name?: unknown; cause?: unknown };
  if (code === undefined && cause !== undefined) return codeOf(cause);
  return [code, name].find(isCode) ?? 'error';
}

function isCode(text: unknown): text is string {
  return typeof text === 'string' && /^\w{1,40}$/.test(text);
}
