/** OpenID's Basic plan for relying parties: what a company's identity provider may say, and what brings nobody in. */
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { goThere, leave, type Left } from '../support/oidc-case.ts';
import type { OidcIdp } from '../support/oidc-idp.ts';
import { accepts, bend, checkAccepted, type ClientModules, refuses, runClientPlan } from './client-suite.ts';

const encode = (value: unknown): string => base64url.encode(JSON.stringify(value));

/** The published keys without their names. */
const withoutKids = (keys: object[]) => keys.map((key) => ({ ...key, kid: undefined }));

/** Another key that would do, beside the one that has signed. */
async function twoKeys(): Promise<(keys: object[]) => unknown> {
  const { publicKey } = await generateKeyPair('RS256', { extractable: true });
  const other = { ...(await exportJWK(publicKey)), use: 'sig', alg: 'RS256' };
  return (keys) => ({ keys: [other, ...withoutKids(keys)] });
}

/** The right token, with one bit of its signature turned. */
function brokenSignature(idp: OidcIdp) {
  return async (claims: Record<string, unknown>, header: Record<string, unknown>): Promise<string> => {
    const token = await new SignJWT(claims)
      .setProtectedHeader(header as { alg: string })
      .sign(idp.key().privateKey);
    const [head = '', body = '', signature = ''] = token.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    return `${head}.${body}.${bytes.toString('base64url')}`;
  };
}

const modules: ClientModules<'oidcc-client-basic-certification-test-plan'> = {
  'oidcc-client-test': async (t, world) => {
    const left = (await leave(world.ctx, await world.connect())) as Left;
    const asked = new URL(left.way.location).searchParams;
    t.match(asked.get('scope')?.split(' '), ['openid']);
    t.match(asked.get('nonce'), /^[\x20-\x7e]{20,256}$/, 'a nonce of letters, not too long');
    await accepts(() => ({}))(t, world);
  },
  'oidcc-client-test-invalid-iss': refuses('oidc_issuer', ({ idp }) => ({
    claims: { iss: `${idp.issuer}1` },
  })),
  'oidcc-client-test-missing-sub': refuses('oidc_id_token', () => ({ claims: { sub: undefined } })),
  'oidcc-client-test-invalid-aud': refuses('oidc_id_token', ({ idp }) => ({
    claims: { aud: `${idp.clientId}1` },
  })),
  'oidcc-client-test-missing-iat': refuses('oidc_id_token', () => ({ claims: { iat: undefined } })),
  'oidcc-client-test-kid-absent-single-jwks': accepts(() => ({
    header: { kid: undefined },
    keys: (keys) => ({ keys: withoutKids(keys) }),
  })),
  // a client may try each key or refuse; it is refused, since whoever has to guess can be led
  'oidcc-client-test-kid-absent-multiple-jwks': refuses('oidc_id_token', async () => ({
    header: { kid: undefined },
    keys: await twoKeys(),
  })),
  'oidcc-client-test-idtoken-sig-rs256': accepts(() => ({
    metadata: { id_token_signing_alg_values_supported: ['RS256'] },
  })),
  // a client may take it or refuse, and then the suite skips the module
  'oidcc-client-test-idtoken-sig-none': refuses('oidc_id_token', () => ({
    metadata: { id_token_signing_alg_values_supported: ['none', 'RS256'] },
    idToken: (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`,
  })),
  'oidcc-client-test-invalid-sig-rs256': refuses('oidc_id_token', ({ idp }) => ({
    idToken: brokenSignature(idp),
  })),
  'oidcc-client-test-userinfo-invalid-sub': refuses('oidc_userinfo', () => ({
    userinfo: { sub: 'person-1-but-another' },
  })),
  'oidcc-client-test-nonce-invalid': refuses('oidc_id_token', () => ({ claims: { nonce: 'another' } })),
  'oidcc-client-test-scope-userinfo-claims': async (t, world) => {
    const id = await world.connect();
    const left = (await leave(world.ctx, id)) as Left;
    const scope = new URL(left.way.location).searchParams.get('scope')?.split(' ') ?? [];
    for (const name of ['openid', 'profile', 'email']) t.ok(scope.includes(name), name);
    bend(world, {});
    t.match(await goThere(world, id), { identity: { attributes: { name: ['Pat'] } } });
  },
  'oidcc-client-test-client-secret-basic': async (t, world) => {
    bend(world, {});
    await checkAccepted(t, world, await world.connect({ settings: { clientAuth: 'client_secret_basic' } }));
    const request = world.idp.requests.findLast(({ path }) => path === '/token');
    t.match(request?.headers.authorization, /^Basic /);
    t.notOk(request?.form.has('client_secret'), 'and not a second time in the body');
  },
};

await runClientPlan(t, { name: 'oidcc-client-basic-certification-test-plan', modules });
