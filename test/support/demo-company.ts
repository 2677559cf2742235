/** The companies of the demo world as a test needs them: other states, other people, a second connection. */
import { type Context, inTransaction } from '../../src/context.ts';
import {
  bindDomain,
  type Connection,
  type ConnectionState,
  establishConnection,
  findConnection,
} from '../../src/core/connections/connections.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import type { ConnectionId } from '../../src/kernel/ids.ts';
import { makeMember, makeUser } from './make.ts';

type Kind = Connection['kind'];

/** The first one of this protocol: Globex speaks SAML, Initech OpenID Connect. */
export async function demoConnection<Wanted extends Kind>({ db }: Context, kind: Wanted) {
  const query = db.selectFrom('connections').select('id').where('kind', '=', kind).orderBy('createdAt');
  const connection = await findConnection(db, (await query.executeTakeFirstOrThrow()).id);
  return connection as Extract<Connection, { kind: Wanted }>;
}

export interface Routing {
  readonly state: ConnectionState;
  readonly pilotEmails?: readonly string[];
}

/** Answers how it was before. */
export async function routeBy(ctx: Context, kind: Kind, { state, pilotEmails = [] }: Routing) {
  const { id, ...before } = await demoConnection(ctx, kind);
  const wanted = { state, pilotEmails: [...pilotEmails] };
  await ctx.db.updateTable('connections').set(wanted).where('id', '=', id).execute();
  return { state: before.state, pilotEmails: before.pilotEmails };
}

/** Somebody with a password, and with a seat on Assist. */
export async function makeColleague(ctx: Context, kind: Kind, email: string): Promise<string> {
  const { accountId } = await demoConnection(ctx, kind);
  const user = await makeUser(ctx, { email });
  await makeMember(ctx, user.id, accountId);
  const query = ctx.db.selectFrom('products').select('id').where('slug', '=', 'assist');
  const { id: productId } = await query.executeTakeFirstOrThrow();
  await inTransaction(ctx, (tx) => assignSeat(tx, { accountId, productId, userId: user.id }));
  return user.email;
}

/** Beside the one that Globex has, with the same identity provider and the same domain. */
export async function addSecondConnection(ctx: Context): Promise<ConnectionId> {
  const first = await demoConnection(ctx, 'saml');
  const { accountId, settings, published, mapping, state } = first;
  const label = 'Globex Contractors';
  const id = await establishConnection(ctx, { accountId, label, settings, published, mapping });
  const bound = ctx.db.selectFrom('connectionDomains').select('domainId');
  const { domainId } = await bound.where('connectionId', '=', first.id).executeTakeFirstOrThrow();
  await inTransaction(ctx, (tx) => bindDomain(tx, { connectionId: id, domainId: domainId }));
  await ctx.db.updateTable('connections').set({ state }).where('id', '=', id).execute();
  return id;
}

/** The sign-in by a connection that began last. */
export async function lastAttempt({ db }: Context) {
  return db
    .selectFrom('connectionAttempts')
    .select(['connectionId', 'purpose', 'stage', 'outcome', 'code', 'caseId', 'userId'])
    .orderBy('startedAt', 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
}
