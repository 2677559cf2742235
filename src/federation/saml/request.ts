/**
 * The question: an AuthnRequest, signed, by redirect or by a form that the browser posts.
 * @see SAML 2.0 Core §3.4.1, Bindings §3.4 and §3.5
 */
import { createSign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { SamlPublished } from '../../core/connections/connections.ts';
import type { Ask, Way } from '../connector.ts';
import { assertion, bindings, protocol } from './names.ts';
import type { ServiceProvider } from './service-provider.ts';
import { escapeXml, rsaSha256, signXml } from './write-xml.ts';

export interface AuthnRequest {
  readonly serviceProvider: ServiceProvider;
  readonly published: Pick<SamlPublished, 'ssoUrl' | 'binding'>;
  readonly ask: Ask;
  readonly now: Date;
  /** PEM */
  readonly privateKey: string;
}

/** The id of the request that goes with a token: an id may not begin with a digit or a hyphen, a token may. */
export function requestIdOf(token: string): string {
  return `_${token}`;
}

/** Where the browser goes with it. `login_hint` is no part of SAML; who knows it reads it, and nobody relies on it. */
export function writeRequest(request: AuthnRequest): Pick<Way, 'location' | 'form'> {
  const { published, privateKey, ask } = request;
  const xml = authnRequest(request);
  const hint: Record<string, string> = ask.loginHint === undefined ? {} : { login_hint: ask.loginHint };
  if (published.binding === 'post') {
    const signed = signXml(xml, { privateKey, place: 'second' });
    return {
      location: withQuery(published.ssoUrl, queryOf(hint)),
      form: { SAMLRequest: Buffer.from(signed).toString('base64') },
    };
  }
  const signed = queryOf({ SAMLRequest: deflateRawSync(xml).toString('base64'), SigAlg: rsaSha256 });
  const Signature = createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64');
  return { location: withQuery(published.ssoUrl, [signed, queryOf({ Signature, ...hint })].join('&')) };
}

/** No RequestedAuthnContext, which would forbid what is better than a password; no Format of the NameID. */
function authnRequest({ serviceProvider, published, ask, now }: AuthnRequest): string {
  const attributes = {
    'xmlns:samlp': protocol,
    'xmlns:saml': assertion,
    ID: requestIdOf(ask.token),
    Version: '2.0',
    IssueInstant: now.toISOString(),
    Destination: published.ssoUrl,
    AssertionConsumerServiceURL: serviceProvider.acsUrl,
    ProtocolBinding: bindings.post,
    ...(mustProveAgain(ask) && { ForceAuthn: 'true' }),
  };
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${escapeXml(value)}"`);
  return [
    `<samlp:AuthnRequest${written.join('')}>`,
    `<saml:Issuer>${escapeXml(serviceProvider.entityId)}</saml:Issuer>`,
    '<samlp:NameIDPolicy AllowCreate="true"/>',
    '</samlp:AuthnRequest>',
  ].join('');
}

/** SAML has no word for "not longer ago than": whoever cannot be told that is asked for a fresh proof. */
function mustProveAgain({ forceAuthn, maxAge }: Ask): boolean {
  return forceAuthn || maxAge !== undefined;
}

/** Encoded here, once and for all: the signature is of exactly these characters. */
function queryOf(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

function withQuery(address: string, query: string): string {
  if (query === '') return address;
  return `${address}${address.includes('?') ? '&' : '?'}${query}`;
}
