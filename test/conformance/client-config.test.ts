/** OpenID's Config plan for relying parties: what a company's identity provider publishes is found, and followed. */
import { exportJWK, SignJWT } from 'jose';
import t from 'tap';
import { leave } from '../support/oidc-case.ts';
import { type OidcIdp, sendJson } from '../support/oidc-idp.ts';
import { accepts, bend, checkAccepted, type ClientModules, runClientPlan } from './client-suite.ts';

const document = '/.well-known/openid-configuration';

async function publicKey(idp: OidcIdp): Promise<object> {
  const { publicKey: key, kid } = idp.key();
  return { ...(await exportJWK(key)), kid, use: 'sig', alg: 'RS256' };
}

const modules: ClientModules<'oidcc-client-config-certification-test-plan'> = {
  'oidcc-client-test-discovery-openid-config': async (t, world) => {
    const asked = world.idp.count(document);
    await accepts(() => ({}))(t, world);
    t.equal(world.idp.count(document), asked + 1);
  },
  'oidcc-client-test-discovery-jwks-uri-keys': async (t, world) => {
    const { idp } = world;
    const path = '/jwks-of-this-run';
    const keys = [await publicKey(idp)];
    const usual = idp.count('/jwks');
    bend(world, {
      metadata: { jwks_uri: `${idp.issuer}${path}` },
      endpoints: {
        [path]: (_request, response) => {
          sendJson(response, { keys });
        },
      },
    });
    await checkAccepted(t, world, await world.connect());
    t.equal(idp.count(path), 1);
    t.equal(idp.count('/jwks'), usual, 'no address is guessed');
  },
  'oidcc-client-test-discovery-issuer-mismatch': async (t, world) => {
    bend(world, { metadata: { issuer: 'https://another.test/' } });
    // refused before there is a place to send anybody to
    t.match(await leave(world.ctx, await world.connect()), { refused: 'oidc_metadata' });
  },
  'oidcc-client-test-signing-key-rotation-just-before-signing': accepts(({ idp }) => ({
    idToken: async (claims) => {
      await idp.rotateKeys();
      const { kid, privateKey } = idp.key();
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);
    },
  })),
  // keys are asked for again once they are a minute old: whoever invents names of keys must not make us ask at will
  'oidcc-client-test-signing-key-rotation': async (t, world) => {
    bend(world, {});
    const id = await world.connect();
    await checkAccepted(t, world, id);
    const asked = world.idp.count('/jwks');
    await world.idp.rotateKeys();
    world.app.advance(61);
    await checkAccepted(t, world, id);
    t.equal(world.idp.count('/jwks'), asked + 1);
  },
};

await runClientPlan(t, { name: 'oidcc-client-config-certification-test-plan', modules });
