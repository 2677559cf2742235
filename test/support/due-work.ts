/**
 * For each background job: work that is due, and a count of what came of it. Every effect must be there once, however many
 * replicas have run the job at the same moment.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import { verifyTrail } from '../../src/core/audit/audit.ts';
import { claimDomain, verifyDomain } from '../../src/core/domains/domains.ts';
import { listKeys } from '../../src/core/keys/keys.ts';
import { requestPasswordReset } from '../../src/core/password-resets/password-resets.ts';
import { countPrunable, retentions } from '../../src/core/retention/retention.ts';
import { enqueueLogoutNotice } from '../../src/core/sessions/sessions.ts';
import type { UserId } from '../../src/kernel/ids.ts';
import { open, seal } from '../../src/kernel/seal.ts';
import { addSeconds, day, minute } from '../../src/kernel/time.ts';
import type { TestApp } from './app.ts';
import { oweMails } from './owed-mail.ts';
import type { Resolvers } from './domains.ts';
import { idpMetadata, serveMetadata } from './idp-metadata.ts';
import type { Mailbox } from './mailbox.ts';
import { makeIdpCertificate, makeSaml, namedCertificate, publishedWith } from './make-connection.ts';
import { makeAccount, makeClient, makeMember, makeUser } from './make.ts';
import { insertOver, makeParts } from './prunable.ts';

export interface Fleet {
  readonly ctx: Context;
  readonly mails: Mailbox['mails'];
  readonly resolvers: Resolvers;
  /** Moves the clock of every replica. */
  advance: TestApp['advance'];
}

export interface DueWork {
  /** How much all runs together say that they have done, where a run counts nothing that another has done. */
  readonly done?: number;
  /** What is there afterwards. */
  readonly effects: () => Promise<unknown>;
  readonly expected: unknown;
}

const many = 12;

/** By the name of the job. */
export const dueWork: Readonly<Record<string, (t: Test, fleet: Fleet) => Promise<DueWork>>> = {
  mail: oweMail,
  'logout notices': oweNotices,
  'password resets': askForResets,
  domains: proveDomains,
  'connection metadata': publishMetadata,
  'certificate warnings': endCertificates,
  'event seals': settleEvents,
  'old signing keys': ageKeys,
  'older sealing keys': sealByOlderKey,
  prune: leaveOver,
};

/** How often each was there: `[[1, many]]` says that all were there once. */
function tally(names: Iterable<string | undefined>): [times: number, names: number][] {
  const times = [...Map.groupBy(names, (name) => name).values()].map((same) => same.length);
  return [...Map.groupBy(times, (count) => count)].map(([count, same]) => [count, same.length]);
}

async function oweMail(_t: Test, { ctx, mails }: Fleet): Promise<DueWork> {
  const before = mails.length;
  await oweMails(ctx, many);
  const effects = () =>
    Promise.resolve(tally(mails.slice(before).map(({ headers }) => headers['message-id'])));
  return { done: many, effects, expected: [[1, many]] };
}

async function sealByOlderKey(_t: Test, { ctx }: Fleet): Promise<DueWork> {
  const [used, older] = ctx.config.secretKeys;
  if (!older) throw new Error('there is no older key');
  const times = { beganAt: ctx.now(), usedUntil: ctx.now() };
  await ctx.db
    .insertInto('keyUses')
    .values({ ring: 'secret', keyId: older.id, ...times })
    .execute();
  const keys = Array.from({ length: many }, (_, index) => `key-${index}`);
  for (const key of keys)
    await ctx.db
      .insertInto('idempotencyKeys')
      .values({
        ...{ caller: 'somebody', key, requestHash: Buffer.from('x'), expiresAt: addSeconds(ctx.now(), day) },
        answerSealed: seal([older], key, `idempotency_keys/somebody/${key}`),
      })
      .execute();
  const effects = async () => {
    const rows = await ctx.db.selectFrom('idempotencyKeys').select(['key', 'answerSealed']).execute();
    return tally(
      rows.map(({ key, answerSealed }) =>
        open([used], answerSealed ?? '', `idempotency_keys/somebody/${key}`),
      ),
    );
  };
  return { done: many, effects, expected: [[1, many]] };
}

async function oweNotices(t: Test, { ctx }: Fleet): Promise<DueWork> {
  const told: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const [, payload = ''] = (new URLSearchParams(body).get('logout_token') ?? '').split('.');
    told.push((JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string }).sid);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  await makeClient(ctx, {
    clientId: 'told',
    name: 'Told',
    firstParty: true,
    applicationType: 'web',
    authMethod: 'none',
    grantTypes: ['authorization_code'],
    redirectUris: ['http://127.0.0.1/callback'],
    backchannelLogoutUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logout`,
  });
  const userId = 'usr_0000000000000000000000' as UserId;
  const notices = Array.from({ length: many }, (_, index) => ({
    clientId: 'told',
    userId,
    sid: `sid-${index}`,
  }));
  for (const notice of notices) await inTransaction(ctx, (tx) => enqueueLogoutNotice(tx, notice));
  return { done: many, effects: () => Promise.resolve(tally(told)), expected: [[1, many]] };
}

async function askForResets(_t: Test, { ctx }: Fleet): Promise<DueWork> {
  for (let index = 0; index < many; index += 1) {
    const { email } = await makeUser(ctx);
    const request = { email, handle: `handle-${index}`, clientId: undefined, locale: 'en' };
    await inTransaction(ctx, (tx) => requestPasswordReset(tx, request));
  }
  const effects = async () => {
    const links = await ctx.db.selectFrom('passwordResets').select('requestId').execute();
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select('recipient')
      .where('template', '=', 'password_reset')
      .execute();
    return [tally(links.map(({ requestId }) => requestId)), tally(mails.map(({ recipient }) => recipient))];
  };
  return { done: many, effects, expected: [[[1, many]], [[1, many]]] };
}

async function proveDomains(_t: Test, { ctx, resolvers, advance }: Fleet): Promise<DueWork> {
  for (let index = 0; index < many; index += 1) {
    const accountId = await makeAccount(ctx);
    const domain = await inTransaction(ctx, (tx) =>
      claimDomain(tx, { accountId, name: `company-${index}.test` }),
    );
    resolvers.prove(domain);
    await verifyDomain(ctx, domain);
  }
  advance(1.5 * day);
  const before = resolvers.servers.map(({ asked }) => asked.length);
  const effects = () =>
    Promise.resolve(resolvers.servers.map(({ asked }, index) => tally(asked.slice(before[index]))));
  return { done: many, effects, expected: [[[1, many]], [[1, many]]] };
}

async function publishMetadata(t: Test, { ctx }: Fleet): Promise<DueWork> {
  const site = await serveMetadata(t);
  site.answer = { body: idpMetadata([await makeIdpCertificate(ctx.now())]) };
  for (let index = 0; index < many; index += 1)
    await makeSaml(ctx, await makeAccount(ctx), {
      settings: { entityId: 'urn:idp', metadataUrl: site.url },
      refreshAt: ctx.now(),
    });
  return { done: many, effects: () => Promise.resolve(site.asked), expected: many };
}

async function endCertificates(_t: Test, { ctx }: Fleet): Promise<DueWork> {
  const notAfter = addSeconds(ctx.now(), 20 * day).toISOString();
  for (let index = 0; index < many; index += 1) {
    const accountId = await makeAccount(ctx);
    for (const admin of [await makeUser(ctx, { password: null }), await makeUser(ctx, { password: null })])
      await makeMember(ctx, admin.id, accountId, 'admin');
    const published = publishedWith(namedCertificate(`a${index}`, { notAfter }));
    const { id } = await makeSaml(ctx, accountId, { published });
    await ctx.db.updateTable('connections').set({ state: 'enabled' }).where('id', '=', id).execute();
  }
  const effects = async () => {
    const events = await ctx.db
      .selectFrom('events')
      .select('accountId')
      .where('type', '=', 'connection.certificate_expiring')
      .execute();
    const mails = await ctx.db
      .selectFrom('mailOutbox')
      .select('recipient')
      .where('template', '=', 'certificate_expiring')
      .execute();
    return [
      tally(events.map(({ accountId }) => accountId ?? '')),
      tally(mails.map(({ recipient }) => recipient)),
    ];
  };
  return { done: many, effects, expected: [[[1, many]], [[1, 2 * many]]] };
}

async function settleEvents(_t: Test, { ctx, advance }: Fleet): Promise<DueWork> {
  await makeAccount(ctx);
  advance(6 * minute);
  const effects = async () => {
    const { fault, seals } = await verifyTrail(ctx.db);
    return [fault, seals];
  };
  return { done: 0, effects, expected: [undefined, 1] };
}

async function ageKeys(_t: Test, { ctx, advance }: Fleet): Promise<DueWork> {
  advance(89.5 * day);
  const effects = async () =>
    (await listKeys(ctx.db, ctx.now())).map(({ alg, state }) => `${alg} ${state}`).sort();
  const expected = ['ES256 current', 'ES256 next', 'RS256 current', 'RS256 next'];
  // whoever comes second makes a key as well, and throws it away
  return { effects, expected };
}

async function leaveOver(_t: Test, { ctx, advance }: Fleet): Promise<DueWork> {
  const at = ctx.now();
  const parts = await makeParts(ctx.db, at);
  for (let index = 0; index < many; index += 1) await insertOver(ctx.db, parts, addSeconds(at, index));
  advance(500 * day);
  const count = async (): Promise<number> => {
    const counts = retentions.map((rule) => countPrunable(ctx.db, rule, ctx.now()));
    return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0);
  };
  return { done: await count(), effects: count, expected: 0 };
}
