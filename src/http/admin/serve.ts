/** An operation as a route: who calls is found out before anything is read, then the conventions every operation shares. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Context, inTransaction } from '../../context.ts';
import { getAccount } from '../../core/accounts/accounts.ts';
import { findAnswer, type KeyedRequest, runOnce } from '../../core/idempotency/idempotency.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId } from '../../kernel/ids.ts';
import type { Engine } from '../../provider/provider.ts';
import { defineRoute, type Route, type Wire } from '../route.ts';
import { actorOf, assertMayCall, type Caller, findCaller, keyOf } from './caller.ts';
import { assertMatch, etagOf, isAmong } from './etag.ts';
import type { AnyChange, AnyInput, AnyOperation, Call } from './operation.ts';
import { sendLines, type Served } from './stream.ts';
import type { RateLimit } from './rate-limit.ts';

export const prefix = '/api/v1';

const callers = new WeakMap<FastifyRequest, Caller>();

/** Nothing may be sent where nothing is taken: who sends something means something by it. */
const nothing = z.strictObject({});

export interface Serving {
  readonly engine: () => Engine;
  readonly rateLimit: RateLimit;
}

export function routeOf(operation: AnyOperation, serving: Serving): Route {
  const { method, url, params, query = nothing, body, bodyLimit } = operation;
  return defineRoute({
    method,
    url: `${prefix}${url.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    access: 'operation',
    schema: {
      ...(params && { params }),
      querystring: query,
      ...(method !== 'GET' && !('takes' in operation) && { body: body ?? nothing.nullish() }),
    },
    ...(bodyLimit !== undefined && { bodyLimit }),
    isLong: 'takes' in operation,
    before: (ctx, wire) => admit(ctx, { operation, serving, ...wire }),
    handler: async (ctx, input, wire) => {
      const caller = callerOf(wire.request);
      const acting = { ...ctx, origin: { ...ctx.origin, actorId: actorOf(caller) } };
      const call = { caller, operation, params: input.params, query: input.query };
      await assertAccount(acting, call);
      return answer(acting, { input: input as AnyInput, call, wire });
    },
  });
}

/** Before the body is read: without a token that allows this nothing of a request is even parsed. */
async function admit(
  ctx: Context,
  { operation, serving, request, reply }: { operation: AnyOperation; serving: Serving } & Wire,
): Promise<void> {
  try {
    const caller = await findCaller(serving.engine(), ctx, request);
    await serving.rateLimit.count(keyOf(caller), reply);
    const { account_id: accountId } = request.params as { account_id?: string };
    assertMayCall(operation.access, caller, accountId);
    callers.set(request, caller);
  } catch (error) {
    if (error instanceof Failure) challenge(reply, error, operation);
    throw error;
  }
}

/** RFC 6750 §3 */
function challenge(reply: FastifyReply, { code }: Failure, { access }: AnyOperation): void {
  if (code === 'unauthenticated')
    void reply.header('www-authenticate', 'Bearer realm="doorward", error="invalid_token"');
  if (code !== 'insufficient_scope') return;
  const scope = 'operator' in access ? access.operator : 'self';
  void reply.header(
    'www-authenticate',
    `Bearer realm="doorward", error="insufficient_scope", scope="${scope}"`,
  );
}

function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (!caller) throw new Error('an operation was called by nobody');
  return caller;
}

/** An operator may name an account that is not there; for everybody else it is their own. */
async function assertAccount(ctx: Context, { caller, params }: Call): Promise<void> {
  const { account_id: accountId } = (params ?? {}) as { account_id?: AccountId };
  if (accountId !== undefined && caller.kind === 'operator') await getAccount(ctx.db, accountId);
}

async function answer(ctx: Context, served: Served) {
  const { operation } = served.call;
  const { reply } = served.wire;
  if ('takes' in operation) return sendLines(ctx, operation, served);
  if ('handler' in operation) {
    const read = await operation.handler(ctx, served.input, served.call);
    return isKnown(operation, served.wire, read) ? reply.status(304).send() : send(reply, operation, read);
  }
  const { answer: changed, isRepeated } = await changeOnce(ctx, operation, served);
  if (isRepeated) void reply.header('idempotency-replayed', 'true');
  const location = operation.location as ((answer: unknown) => string) | undefined;
  if (location) void reply.header('location', `${ctx.config.issuer}${prefix}${location(changed)}`);
  return send(reply, operation, changed);
}

function send(reply: FastifyReply, operation: AnyOperation, body: unknown) {
  const { status = 200 } = operation;
  if (status === 204) return reply.status(204).send();
  const shownLater =
    'shownLater' in operation ? (operation.shownLater as (answer: unknown) => unknown) : undefined;
  return reply
    .header('etag', etagOf(shownLater ? shownLater(body) : body))
    .status(status)
    .send(body);
}

/** The caller has this very answer already (RFC 9110 §13.1.2). */
function isKnown({ method }: AnyOperation, { request, reply }: Wire, body: unknown): boolean {
  const ifNoneMatch = request.headers['if-none-match'];
  if (method !== 'GET' || ifNoneMatch === undefined) return false;
  const etag = etagOf(body);
  void reply.header('etag', etag);
  return isAmong(ifNoneMatch, etag);
}

async function changeOnce(ctx: Context, operation: AnyChange, { input, call, wire }: Served) {
  const keyed = keyedRequest(call, wire.request);
  const known = keyed && (await findAnswer(ctx, keyed));
  if (known !== undefined) return { answer: known, isRepeated: true };
  const prepared = await operation.prepare?.(ctx, input, call);
  const ifMatch = wire.request.headers['if-match'];
  return inTransaction(ctx, async (tx) => {
    const work = async () => {
      if (ifMatch !== undefined && operation.current)
        assertMatch(ifMatch, await operation.current(tx, input, call));
      return operation.change(tx, input, { ...call, prepared });
    };
    return keyed ? runOnce(tx, keyed, work) : { answer: await work(), isRepeated: false };
  });
}

/** For a POST with a key of its caller's choice; the key alone is not enough, whose it is and for what belongs to it. */
function keyedRequest({ caller }: Call, request: FastifyRequest): KeyedRequest | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return undefined;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
    throw new Failure('invalid_input', {
      fields: { 'Idempotency-Key': 'is not 1 to 255 printable characters without blanks' },
    });
  const text = JSON.stringify([request.method, request.raw.url, request.body ?? null]);
  return { caller: keyOf(caller), key, requestHash: createHash('sha256').update(text).digest() };
}
