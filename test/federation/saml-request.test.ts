/** The question to an identity provider, what it is told of us, and how the answer's question is found. */
import { createVerify, X509Certificate } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { DOMParser } from '@xmldom/xmldom';
import t from 'tap';
import { SignedXml } from 'xml-crypto';
import {
  createConnectionKey,
  listConnectionKeys,
  type SamlPublished,
} from '../../src/core/connections/connections.ts';
import { type Ask, isRefusal, type Way } from '../../src/federation/connector.ts';
import { readInResponseTo, samlConnector, serviceProviderMetadata } from '../../src/federation/saml/saml.ts';
import { addSeconds } from '../../src/kernel/time.ts';
import { newToken } from '../../src/kernel/tokens.ts';
import { openSamlCase } from '../support/saml-case.ts';
import { makeResponse, toForm } from '../support/saml-idp.ts';

t.test('requests', async (t) => {
  const saml = await openSamlCase(t);
  const { ctx, connection, to, idp } = saml;
  const token = newToken().token;

  t.test('without a key nobody is sent anywhere', async (t) => {
    t.match(await samlConnector.depart(ctx, connection, { token, forceAuthn: false }), {
      refused: 'connection_not_available',
    });
  });

  for (const use of ['signing', 'encryption'] as const)
    for (const state of ['current', 'next'] as const)
      await createConnectionKey(ctx, { connectionId: connection.id, use, state });
  const keys = await listConnectionKeys(ctx.db, connection.id);
  const current = keys.find(({ use, state }) => use === 'signing' && state === 'current')?.certificate ?? '';

  const depart = async (ask: Partial<Ask> = {}, published: Partial<SamlPublished> = {}): Promise<Way> => {
    const asked = { ...connection, published: { ...connection.published, ...published } };
    const way = await samlConnector.depart(ctx, asked, { token, forceAuthn: false, ...ask });
    if (isRefusal(way)) throw new Error(way.refused);
    return way;
  };

  t.test(
    'by redirect: signed as it stands in the address, and says who asks whom to answer where',
    async (t) => {
      const { location, form, memory } = await depart({ loginHint: 'alice+a@acme.test' });
      t.equal(form, undefined);
      t.same(memory, {});
      const [address = '', query = ''] = location.split('?');
      t.equal(address, idp.ssoUrl);
      const parameters = new URLSearchParams(query);
      t.same([...parameters.keys()], ['SAMLRequest', 'SigAlg', 'Signature', 'login_hint']);
      t.equal(parameters.get('login_hint'), 'alice+a@acme.test');
      t.equal(parameters.get('SigAlg'), 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
      const signed = query.slice(0, query.indexOf('&Signature='));
      const signature = Buffer.from(parameters.get('Signature') ?? '', 'base64');
      t.ok(createVerify('RSA-SHA256').update(signed).verify(current, signature));
      const request = rootOf(
        inflateRawSync(Buffer.from(parameters.get('SAMLRequest') ?? '', 'base64')).toString(),
      );
      t.same(attributesOf(request), {
        ID: `_${token}`,
        Version: '2.0',
        IssueInstant: request.getAttribute('IssueInstant'),
        Destination: idp.ssoUrl,
        AssertionConsumerServiceURL: to.acsUrl,
        ProtocolBinding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
      });
      const age = ctx.now().getTime() - Date.parse(request.getAttribute('IssueInstant') ?? '');
      t.ok(age >= 0 && age < 60_000);
      t.equal(request.getElementsByTagNameNS('*', 'Issuer')[0]?.textContent, to.entityId);
      t.equal(request.getElementsByTagNameNS('*', 'RequestedAuthnContext').length, 0);
    },
  );

  t.test('an address that has a query keeps it', async (t) => {
    const { location } = await depart({}, { ssoUrl: 'https://idp.acme.test/sso?idp=1' });
    t.match(location, /^https:\/\/idp\.acme\.test\/sso\?idp=1&SAMLRequest=/);
  });

  t.test('by form: signed within', async (t) => {
    const { location, form } = await depart({ loginHint: 'a@acme.test' }, { binding: 'post' });
    t.equal(location, `${idp.ssoUrl}?login_hint=a%40acme.test`);
    const xml = Buffer.from(form?.['SAMLRequest'] ?? '', 'base64').toString();
    t.equal(verifiedOf(xml, current)?.includes(`ID="_${token}"`), true);
    const names = Array.from(rootOf(xml).childNodes).map((node) => node.nodeName);
    t.same(names, ['saml:Issuer', 'ds:Signature', 'samlp:NameIDPolicy'], 'in the order of the schema');
  });

  t.test('a fresh proof is asked for, and from when on is remembered', async (t) => {
    const before = ctx.now();
    const forced = await depart({ forceAuthn: true });
    const aged = await depart({ maxAge: 600 });
    for (const { location } of [forced, aged]) {
      const request = new URL(location).searchParams.get('SAMLRequest') ?? '';
      t.equal(
        rootOf(inflateRawSync(Buffer.from(request, 'base64')).toString()).getAttribute('ForceAuthn'),
        'true',
      );
    }
    const from = (memory: Way['memory']) => Date.parse(memory.notBefore ?? '');
    t.ok(from(forced.memory) >= before.getTime());
    t.ok(from(aged.memory) >= addSeconds(before, -600).getTime() && from(aged.memory) < before.getTime());
  });

  t.test('nobody is sent to an address that could run something', async (t) => {
    for (const ssoUrl of ['javascript:alert(1)', 'http://idp.acme.test/sso']) {
      const bad = { ...connection, published: { ...connection.published, ssoUrl } };
      t.match(await samlConnector.depart(ctx, bad, { token, forceAuthn: false }), {
        refused: 'connection_not_available',
      });
    }
  });

  t.test('our metadata: one name and address for each connection, the key in use and the next', async (t) => {
    const root = rootOf(await serviceProviderMetadata(ctx, connection));
    t.equal(root.getAttribute('entityID'), to.entityId);
    const [service] = Array.from(root.getElementsByTagNameNS('*', 'AssertionConsumerService'));
    t.equal(service?.getAttribute('Location'), to.acsUrl);
    const [descriptor] = Array.from(root.getElementsByTagNameNS('*', 'SPSSODescriptor'));
    t.equal(descriptor?.getAttribute('AuthnRequestsSigned'), 'true');
    const published = Array.from(root.getElementsByTagNameNS('*', 'KeyDescriptor'));
    t.same(
      published.map((key) => [key.getAttribute('use'), key.textContent]),
      keys.filter(({ use }) => use === 'signing').map(({ use, certificate }) => [use, derOf(certificate)]),
    );
  });

  t.test(
    'our metadata, for one who encrypts: how, and to which keys; signed where that is asked for',
    async (t) => {
      const encrypted = { ...connection, settings: { ...connection.settings, encryption: true } };
      const xml = await serviceProviderMetadata(ctx, encrypted, { signed: true });
      t.ok(verifiedOf(xml, current));
      const root = rootOf(xml);
      t.equal(root.firstChild?.nodeName, 'ds:Signature');
      const uses = Array.from(root.getElementsByTagNameNS('*', 'KeyDescriptor')).map((key) =>
        key.getAttribute('use'),
      );
      t.same(uses.sort(), ['encryption', 'encryption', 'signing', 'signing']);
      const algorithms = Array.from(root.getElementsByTagNameNS('*', 'EncryptionMethod')).map((method) =>
        method.getAttribute('Algorithm'),
      );
      t.notOk(algorithms.some((algorithm) => /cbc|rsa-1_5/.test(algorithm ?? '')));
    },
  );

  t.test('which request a response answers is read from its first tag', async (t) => {
    const read = (xml: string) => readInResponseTo(toForm(xml).samlResponse);
    const good = await makeResponse(idp, { to, requestId: `_${token}` });
    t.equal(read(good), token);
    t.equal(read(`<?xml version="1.0"?>\n<!-- a comment -->${good}`), token);
    t.equal(
      read(`${good.slice(0, 600)}${'x'.repeat(5_000_000)}`),
      token,
      'and no more than that is looked at',
    );
    t.equal(read(await makeResponse(idp, { to })), undefined);
    const nothing = [
      '',
      'x',
      '<a',
      '<!DOCTYPE x><a InResponseTo="_b"/>',
      `<a>${good}</a>`,
      `<a ${'b="" '.repeat(10_000)}`,
    ];
    for (const xml of nothing) t.equal(read(xml), undefined, xml.slice(0, 30));
    t.equal(readInResponseTo('%%%'), undefined);
  });
});

function rootOf(xml: string): Element {
  return new DOMParser().parseFromString(xml, 'text/xml').documentElement;
}

function attributesOf(element: Element): Record<string, string> {
  const own = Array.from(element.attributes).filter(({ name }) => !name.startsWith('xmlns'));
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

/** What the signature of the root covers. */
function verifiedOf(xml: string, certificate: string): string | undefined {
  const signature = rootOf(xml).getElementsByTagNameNS('http://www.w3.org/2000/09/xmldsig#', 'Signature')[0];
  const signed = new SignedXml({ publicCert: certificate });
  signed.loadSignature(signature ?? '');
  return signed.checkSignature(xml) ? signed.getSignedReferences()[0] : undefined;
}

function derOf(pem: string): string {
  return new X509Certificate(pem).raw.toString('base64');
}
