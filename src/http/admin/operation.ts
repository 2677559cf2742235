/**
 * One operation of the admin interface: its address, what it takes and answers, who may call it, what it may refuse. The
 * routes, the OpenAPI document, the reference page and the tests that sweep over every caller are all made of these.
 */
import type { z } from 'zod';
import type { Context, Tx } from '../../context.ts';
import type { FailureCode } from '../../kernel/failures.ts';
import type { OperationAccess } from './access.ts';
import type { Caller } from './caller.ts';
import type { Tag } from './tags.ts';

/** What one call is besides its input. */
export interface Call {
  readonly caller: Caller;
  readonly operation: AnyOperation;
  readonly params: unknown;
  readonly query: unknown;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export interface OperationInput<Params, Query, Body> {
  readonly params: Output<Params>;
  readonly query: Output<Query>;
  readonly body: Output<Body>;
}

interface Described<Params, Query, Body> {
  /** In the OpenAPI document, and for whoever generates a client from it. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below /api/v1. */
  readonly url: `/${string}`;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly access: OperationAccess;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** How many bytes of a body it takes, where that is more than elsewhere. */
  readonly bodyLimit?: number;
  /** 200 unless it says otherwise; 204 has no answer. */
  readonly status?: 200 | 201 | 202 | 204;
  /** What it refuses besides what every operation may. */
  readonly failures?: readonly FailureCode[];
}

/** Reads, or orchestrates: what needs more than one transaction. */
export interface Reading<Params, Query, Body, Answer> extends Described<Params, Query, Body> {
  readonly answer?: z.ZodType<Answer>;
  readonly handler: (ctx: Context, input: OperationInput<Params, Query, Body>, call: Call) => Promise<Answer>;
}

/** Changes something, in the one transaction that is opened for it; what needs the network or a hash is prepared before. */
export interface Changing<Params, Query, Body, Answer, Prepared> extends Described<Params, Query, Body> {
  readonly answer?: z.ZodType<Answer>;
  readonly prepare?: (
    ctx: Context,
    input: OperationInput<Params, Query, Body>,
    call: Call,
  ) => Promise<Prepared>;
  /** What stands now, locked: compared with the caller's If-Match before anything is changed. */
  readonly current?: (tx: Tx, input: OperationInput<Params, Query, Body>, call: Call) => Promise<unknown>;
  readonly change: (
    tx: Tx,
    input: OperationInput<Params, Query, Body>,
    call: Call & { readonly prepared: Prepared },
  ) => Promise<Answer>;
  /** Where the created thing is, below /api/v1. */
  readonly location?: (answer: Answer) => string;
  /** What GET answers of it, where this answer says more (a secret, once): the ETag is of that. */
  readonly shownLater?: (answer: Answer) => unknown;
}

export interface SentFile {
  /** One of the media types that are taken. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** Takes a file, and answers with JSON lines as it works through it. */
export interface Streaming<Params, Query, Line> extends Described<Params, Query, undefined> {
  /** Media types, each with an example. */
  readonly takes: Readonly<Record<string, string>>;
  /** The largest file, in bytes. */
  readonly limit: number;
  readonly line: z.ZodType<Line>;
  readonly lines: (
    ctx: Context,
    input: OperationInput<Params, Query, undefined> & { readonly file: SentFile },
    call: Call,
  ) => AsyncIterable<Line>;
}

/** An operation whose types are forgotten; its schemas remember them. */
export type AnyOperation = Described<z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined> & {
  readonly answer?: z.ZodType;
} & (
    | { readonly handler: (ctx: Context, input: AnyInput, call: Call) => Promise<unknown> }
    | AnyChange
    | AnyStream
  );

export interface AnyStream {
  readonly takes: Readonly<Record<string, string>>;
  readonly limit: number;
  readonly line: z.ZodType;
  readonly lines: (ctx: Context, input: AnyInput & { file: SentFile }, call: Call) => AsyncIterable<unknown>;
}

export interface AnyChange {
  readonly prepare?: (ctx: Context, input: AnyInput, call: Call) => Promise<unknown>;
  readonly current?: (tx: Tx, input: AnyInput, call: Call) => Promise<unknown>;
  readonly change: (tx: Tx, input: AnyInput, call: Call & { prepared: unknown }) => Promise<unknown>;
  readonly location?: (answer: never) => string;
  readonly shownLater?: (answer: never) => unknown;
}

export type AnyInput = OperationInput<z.ZodType<never>, z.ZodType<never>, z.ZodType<never>>;

/** An operation that reads or orchestrates. */
export function reading<
  Answer,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(operation: Reading<Params, Query, Body, Answer>): AnyOperation {
  return operation as unknown as AnyOperation;
}

/** An operation that changes something in one transaction. */
export function changing<
  Answer,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
  Prepared = undefined,
>(operation: Changing<Params, Query, Body, Answer, Prepared>): AnyOperation {
  return operation as unknown as AnyOperation;
}

/** An operation that works through a file. */
export function streaming<
  Line,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
>(operation: Streaming<Params, Query, Line>): AnyOperation {
  return operation;
}
