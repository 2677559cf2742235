/**
 * OpenID's Back-Channel Logout plan for relying parties: the logout token that the company's identity provider posts, over
 * HTTP. What ends by a good one is shown in test/federation/rehearsal-oidc.test.ts.
 */
import { base64url, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { Agent } from '../support/agent.ts';
import type { OidcCase } from '../support/oidc-case.ts';
import { type ClientModule, type ClientModules, runClientPlan } from './client-suite.ts';

/** A token is posted; how it is answered says whether it was believed (§2.8). */
async function postToken(t: Test, { app, id }: OidcCase, sent: { token: string; status: number }) {
  const answer = await new Agent(app.issuer).send(`/federation/${id}/backchannel-logout`, {
    method: 'POST',
    form: { logout_token: sent.token },
  });
  t.equal(answer.status, sent.status);
  t.match(answer.headers.get('cache-control'), /no-store/);
}

/** A module whose token says something wrong. */
function refusesClaims(claims: (world: OidcCase) => Record<string, unknown>): ClientModule {
  return async (t, world) => {
    await postToken(t, world, { token: await world.idp.logoutToken(claims(world)), status: 400 });
    await postToken(t, world, { token: await world.idp.logoutToken(), status: 200 });
  };
}

/** The claims of a good token, signed otherwise. */
async function payloadOf({ idp }: OidcCase): Promise<Record<string, unknown>> {
  const [, body = ''] = (await idp.logoutToken()).split('.');
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
}

const modules: ClientModules<'oidcc-client-back-channel-logout-rp-basic'> = {
  'oidcc-client-test-rp-backchannel-rpinitlogout': async (t, world) => {
    await postToken(t, world, { token: await world.idp.logoutToken(), status: 200 });
  },
  'oidcc-client-test-rp-backchannel-rpinitlogout-alg-none': async (t, world) => {
    const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
    const token = `${encode({ alg: 'none', typ: 'logout+jwt' })}.${encode(await payloadOf(world))}.`;
    await postToken(t, world, { token, status: 400 });
  },
  'oidcc-client-test-rp-backchannel-rpinitlogout-no-event': refusesClaims(() => ({ events: undefined })),
  'oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce': refusesClaims(() => ({ nonce: 'x' })),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg': async (t, world) => {
    const token = await new SignJWT(await payloadOf(world))
      .setProtectedHeader({ alg: 'HS256', typ: 'logout+jwt', kid: world.idp.key().kid })
      .sign(new TextEncoder().encode(world.idp.clientSecret));
    await postToken(t, world, { token, status: 400 });
  },
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud': refusesClaims(({ idp }) => ({
    aud: `${idp.clientId}1`,
  })),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event': refusesClaims(() => ({
    events: { 'http://schemas.openid.net/event/another': {} },
  })),
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss': refusesClaims(({ idp }) => ({
    iss: `${idp.issuer}1`,
  })),
};

await runClientPlan(t, { name: 'oidcc-client-back-channel-logout-rp-basic', modules });
