/** What providers tell by themselves about people: heard when it is signed, for us and of now. */
import { createHmac } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import type { Refusal } from '../../src/core/attempts/attempts.ts';
import { socialProviders } from '../../src/core/identities/identities.ts';
import {
  type Notification,
  type NotificationKind,
  verifyNotification,
} from '../../src/federation/social/social.ts';
import { goForged, startSocialCase } from '../support/social-case.ts';
import type { Members } from '../support/social-idp.ts';

const world = await startSocialCase(t);
const { app, ctx, idp } = world;
const seconds = (): number => Math.floor(ctx.now().getTime() / 1000);

const risc = (name: string): string => `https://schemas.openid.net/secevent/risc/event-type/${name}`;
const oauth = (name: string): string => `https://schemas.openid.net/secevent/oauth/event-type/${name}`;
const pat = (): Members => ({ subject_type: 'iss-sub', iss: `${idp.at('google')}/`, sub: '1234567890' });

function googleToken(events: unknown, claims: Members = {}): Promise<string> {
  return idp.sign({
    iss: `${idp.at('google')}/`,
    aud: ['google-client', 'another-of-the-project'],
    iat: seconds(),
    jti: 'notice-1',
    events,
    ...claims,
  });
}

async function appleBody(event: unknown, claims: Members = {}): Promise<string> {
  const payload = await idp.sign({
    iss: idp.at('apple'),
    aud: 'apple-client',
    iat: seconds(),
    exp: seconds() + 86_400,
    jti: 'notice-1',
    events: JSON.stringify(event),
    ...claims,
  });
  return JSON.stringify({ payload });
}

const facebookSecret = String(idp.env['FACEBOOK_CLIENT_SECRET']);

function facebookBody(members: Members = {}, secret = facebookSecret): string {
  const signed = { algorithm: 'HMAC-SHA256', issued_at: seconds(), user_id: '10203040506070809', ...members };
  const payload = Buffer.from(JSON.stringify(signed)).toString('base64url');
  const signature = createHmac('sha256', secret).update(payload).digest('base64url');
  return new URLSearchParams({ signed_request: `${signature}.${payload}` }).toString();
}

t.test('what Google tells', async (t) => {
  const kinds: [string, NotificationKind][] = [
    [risc('sessions-revoked'), 'sessions_ended'],
    [oauth('tokens-revoked'), 'revoked'],
    [risc('account-disabled'), 'sessions_ended'],
    [risc('account-purged'), 'deleted'],
  ];
  for (const [event, kind] of kinds) {
    const heard = await hear('google', await googleToken({ [event]: { subject: pat() } }));
    const issuedAt = new Date(seconds() * 1000);
    t.match(heard, { kind, provider: 'google', issuer: idp.at('google'), subject: '1234567890' }, event);
    t.match(heard, { jti: 'notice-1', issuedAt });
  }
  const idle: Members[] = [
    { [risc('account-enabled')]: { subject: pat() } },
    { [oauth('token-revoked')]: { subject: { subject_type: 'oauth_token', token: 'hash' } } },
    { [risc('verification')]: { state: 'x' } },
    {},
  ];
  for (const events of idle) t.match(await hear('google', await googleToken(events)), { kind: 'other' });
  const both = {
    [risc('sessions-revoked')]: { subject: pat() },
    [risc('account-purged')]: { subject: pat() },
  };
  t.match(await hear('google', await googleToken(both)), { kind: 'deleted' }, 'of two the graver');
  const bare = { ...pat(), iss: idp.at('google').replace('http://', '') };
  t.match(
    await hear('google', await googleToken({ [risc('account-purged')]: { subject: bare } })),
    { issuer: idp.at('google'), subject: '1234567890' },
    'whatever it calls itself',
  );
});

t.test('what Apple tells', async (t) => {
  const kinds: [string, NotificationKind][] = [
    ['consent-revoked', 'revoked'],
    ['account-delete', 'deleted'],
    ['account-deleted', 'deleted'],
    ['email-disabled', 'email_disabled'],
    ['email-enabled', 'other'],
    ['constructor', 'other'],
  ];
  for (const [type, kind] of kinds) {
    const event = { type, sub: '001234.abcdef.0001', event_time: seconds() * 1000 };
    const heard = await hear('apple', await appleBody(event));
    t.match(heard, { kind, provider: 'apple', issuer: idp.at('apple'), subject: event.sub }, type);
  }
});

t.test('what Facebook tells', async (t) => {
  const body = facebookBody();
  const heard = await hear('facebook', body);
  t.match(heard, { kind: 'revoked', issuer: idp.at('facebook'), subject: '10203040506070809' });
  const again = await hear('facebook', body);
  t.equal(nameOf(again), nameOf(heard), 'the same message has the same name');
  const later = await hear('facebook', facebookBody({ issued_at: seconds() - 10 }));
  t.not(nameOf(later), nameOf(heard), 'and another one another');
});

t.test('who is told of is who came', async (t) => {
  const came = await Promise.all([
    goForged(world, 'google', {}),
    goForged(world, 'apple', {}),
    goForged(world, 'facebook', {}),
  ]);
  const heard = [
    await hear('google', await googleToken({ [risc('account-purged')]: { subject: pat() } })),
    await hear('apple', await appleBody({ type: 'consent-revoked', sub: '001234.abcdef.0001' })),
    await hear('facebook', facebookBody()),
  ];
  for (const [index, answer] of came.entries()) {
    const notice = heard[index];
    if (!('identity' in answer) || !notice || !('kind' in notice)) return t.fail('refused');
    const { provider, issuer, subject } = answer.identity;
    t.match(notice, { provider, issuer, subject });
  }
});

t.test('what is not signed for us is not heard', async (t) => {
  const { privateKey } = await generateKeyPair('RS256');
  const gone = { [risc('account-purged')]: { subject: pat() } };
  const stranger = new SignJWT({ iss: idp.at('google'), aud: 'google-client', jti: 'x', events: gone });
  const rejected: [string, string, string][] = [
    ['nothing', 'google', ''],
    ['no token', 'google', 'x.y.z'],
    [
      'another signature',
      'google',
      await stranger.setIssuedAt().setProtectedHeader({ alg: 'RS256' }).sign(privateKey),
    ],
    ['another client', 'google', await googleToken(gone, { aud: 'another' })],
    ['no client', 'google', await googleToken(gone, { aud: undefined })],
    ['another issuer', 'google', await googleToken(gone, { iss: idp.at('apple') })],
    ['no name', 'google', await googleToken(gone, { jti: undefined })],
    ['a name that is none', 'google', await googleToken(gone, { jti: 'x'.repeat(1001) })],
    ['no events', 'google', await googleToken(undefined)],
    ['events that are none', 'google', await googleToken([gone])],
    ['no time', 'google', await googleToken(gone, { iat: undefined })],
    ['long ago', 'google', await googleToken(gone, { iat: seconds() - 8 * 86_400 })],
    ['tomorrow', 'google', await googleToken(gone, { iat: seconds() + 86_400 })],
    ['without an end in sight', 'google', await googleToken(gone, { more: 'x'.repeat(16_000) })],
    ['no JSON', 'apple', 'payload=x'],
    ['no payload', 'apple', '{}'],
    ['a payload that is none', 'apple', '{"payload":{"a":1}}'],
    ['another client', 'apple', await appleBody({ type: 'account-deleted', sub: 'x' }, { aud: 'another' })],
    [
      'that has ended',
      'apple',
      await appleBody({ type: 'account-deleted', sub: 'x' }, { exp: seconds() - 60 }),
    ],
    ['no request', 'facebook', ''],
    ['no parts', 'facebook', 'signed_request=x'],
    ['another secret', 'facebook', facebookBody({}, 'another')],
    ['no secret', 'facebook', facebookBody({}, '')],
    ['a part too many', 'facebook', `${facebookBody()}.x`],
    ['another algorithm', 'facebook', facebookBody({ algorithm: 'none' })],
    ['no time', 'facebook', facebookBody({ issued_at: undefined })],
    ['a time that is none', 'facebook', facebookBody({ issued_at: 'now' })],
    ['long ago', 'facebook', facebookBody({ issued_at: seconds() - 8 * 86_400 })],
  ];
  for (const [name, provider, body] of rejected)
    t.match(await hear(provider, body), { refused: 'oidc_token' }, `${provider}: ${name}`);

  const [signature = '', payload = ''] = facebookBody().replace('signed_request=', '').split('.');
  const changed = Buffer.from(payload, 'base64url').toString().replace('1020', '9999');
  const forged = `signed_request=${signature}.${Buffer.from(changed).toString('base64url')}`;
  t.match(await hear('facebook', forged), { refused: 'oidc_token' }, 'a person that was changed');
});

t.test('what is about nobody is not heard, unless nothing follows from it', async (t) => {
  const gone = risc('account-purged');
  const nobodies = [
    undefined,
    {},
    { ...pat(), iss: 'https://evil.test' },
    { ...pat(), iss: undefined },
    { ...pat(), sub: 1 },
    { ...pat(), sub: 'x'.repeat(256) },
  ];
  for (const subject of nobodies)
    t.match(await hear('google', await googleToken({ [gone]: { subject } })), { refused: 'oidc_subject' });
  t.match(await hear('google', await googleToken({ [gone]: 'x' })), { refused: 'oidc_subject' });
  t.match(await hear('apple', await appleBody({ type: 'account-deleted' })), { refused: 'oidc_subject' });
  t.match(await hear('apple', await appleBody({}, { events: 'no JSON' })), { kind: 'other' });
  for (const id of [undefined, 1, '', 'x'])
    t.match(await hear('facebook', facebookBody({ user_id: id })), { refused: 'oidc_subject' });
});

t.test('a notice is kept in mind until it would be refused for its age', async (t) => {
  const token = await googleToken({ [risc('account-purged')]: { subject: pat() } });
  const heard = await hear('google', token);
  if (!('expiresAt' in heard)) return t.fail('refused');
  app.advance(6 * 86_400);
  t.match(await hear('google', token), { kind: 'deleted' }, 'it may be late');
  app.advance(86_400 + 120);
  t.match(await hear('google', token), { refused: 'oidc_token' });
  t.ok(heard.expiresAt < ctx.now());
});

t.test('neither token passes for the other', async (t) => {
  const idToken = await idp.sign({
    iss: idp.at('google'),
    aud: 'google-client',
    sub: '1234567890',
    iat: seconds(),
    exp: seconds() + 600,
    jti: 'x',
  });
  t.match(await hear('google', idToken), { refused: 'oidc_token' });
  const notice = await googleToken(
    { [risc('account-purged')]: { subject: pat() } },
    { iss: idp.at('google'), aud: 'google-client', sub: '1234567890', exp: seconds() + 600 },
  );
  t.match(await goForged(world, 'google', { tokens: { id_token: notice } }), { refused: 'oidc_id_token' });
});

t.test('nothing is heard from those who send nothing, or are not switched on', async (t) => {
  const off = { ...ctx, config: { ...ctx.config, social: {} } };
  for (const provider of socialProviders) {
    const sends = ['google', 'apple', 'facebook'].includes(provider);
    const refused = { refused: 'connection_not_available' };
    t.match(await verifyNotification(off, provider, facebookBody()), refused, `${provider}, off`);
    if (!sends) t.match(await verifyNotification(ctx, provider, facebookBody()), refused, provider);
  }
});

function hear(provider: string, body: string): Promise<Notification | Refusal> {
  return verifyNotification(ctx, provider as Notification['provider'], body);
}

function nameOf(heard: Notification | Refusal): string {
  return 'jti' in heard ? heard.jti : heard.refused;
}
