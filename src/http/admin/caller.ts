/** Who calls the admin interface, by the access token and what is true now; and whether they may call this operation. */
import type { FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import { ownResource } from '../../core/clients/clients.ts';
import type { Evidence } from '../../core/credentials/credentials.ts';
import type { Role } from '../../core/memberships/memberships.ts';
import { Failure } from '../../kernel/failures.ts';
import type { AccountId, UserId } from '../../kernel/ids.ts';
import type { Bearer, Engine } from '../../provider/provider.ts';
import type { OperationAccess } from './access.ts';

export interface Operator {
  readonly kind: 'operator';
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface Person {
  readonly kind: 'person';
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly userId: UserId;
  /** The account that the token is for; no other exists for this caller. */
  readonly accountId: AccountId;
  readonly role: Role;
  readonly evidence: readonly Evidence[];
  /** The client's name for their session. */
  readonly sid: string | undefined;
}

export type Caller = Operator | Person;

/** Failure `unauthenticated`: there is no token, or it is not for this interface, or does not count any more. */
export async function findCaller(engine: Engine, ctx: Context, request: FastifyRequest): Promise<Caller> {
  // RFC 6750 §2.1; in an address or a form a token would end up in logs
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  const bearer = token && (await engine.findBearer(ctx, token, ownResource(ctx.config).resource));
  if (!bearer) throw new Failure('unauthenticated');
  return callerOf(bearer);
}

function callerOf({ client: { clientId }, scopes, person }: Bearer): Caller {
  if (!person) return { kind: 'operator', clientId, scopes };
  const { userId, entitlement, evidence, sid } = person;
  const { account, role } = entitlement;
  return { kind: 'person', clientId, scopes, userId, accountId: account.id, role, evidence, sid };
}

/**
 * Failures `insufficient_scope` for what this kind of caller may never do, and `not_found` for what belongs to another
 * account: it answers like something that is not there.
 */
export function assertMayCall(access: OperationAccess, caller: Caller, accountId: string | undefined): void {
  if (!hasScope(access, caller)) throw new Failure('insufficient_scope');
  if (caller.kind === 'person' && isBound(access) && accountId !== caller.accountId)
    throw new Failure('not_found');
}

/** The address says which account; without one nothing is the admin's. */
function isBound(access: OperationAccess): boolean {
  return 'operator' in access && access.admin !== 'by_token';
}

function hasScope(access: OperationAccess, caller: Caller): boolean {
  if ('person' in access) return caller.kind === 'person' && caller.scopes.includes('self');
  if (caller.kind === 'operator') return caller.scopes.includes(access.operator);
  return access.admin !== undefined && caller.role === 'admin' && caller.scopes.includes('account:manage');
}

/** Whose name stands in the audit trail. */
export function actorOf(caller: Caller): string {
  return caller.kind === 'person' ? caller.userId : caller.clientId;
}

/** What belongs to this caller alone: idempotency keys, cursors, the count of requests. */
export function keyOf(caller: Caller): string {
  return caller.kind === 'person'
    ? `${caller.clientId}/${caller.userId}/${caller.accountId}`
    : caller.clientId;
}
