/** What a SAML service provider asks: parsed, and its signature checked with the certificates of its own metadata. */
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { DOMParser } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';

/** A service provider as its metadata has it. */
export interface ServiceProvider {
  readonly entityId: string;
  readonly acsUrl: string;
  /** PEM */
  readonly certificates: readonly string[];
}

export interface AuthnRequest {
  readonly id: string;
  /** The entity id of who asks. */
  readonly issuer: string;
  readonly forceAuthn: boolean;
}

/** How the request came: in an address, or in a form. */
export type Posted =
  | { readonly binding: 'redirect'; readonly rawQuery: string }
  | { readonly binding: 'post'; readonly samlRequest: string };

const mostBytes = 64 * 1024;

/** Who asks what. Failure `invalid_input` for whoever is not known, and for what they have not signed. */
export async function readAuthnRequest(
  ctx: Pick<Context, 'config' | 'fetch'>,
  posted: Posted,
): Promise<{ request: AuthnRequest; provider: ServiceProvider }> {
  const document = decode(posted);
  const provider = await findServiceProvider(ctx, parseAuthnRequest(document).issuer);
  const signed = posted.binding === 'post' ? signedXml(document, provider) : document;
  if (posted.binding === 'redirect') assertSignedQuery(posted.rawQuery, provider);
  return { request: parseAuthnRequest(signed), provider };
}

/** The metadata at its entity id: only services of this issuer are known here. */
export async function findServiceProvider(
  { config, fetch }: Pick<Context, 'config' | 'fetch'>,
  entityId: string,
): Promise<ServiceProvider> {
  const known = entityId.startsWith(`${config.issuer}/federation/`) && /\/con_\w+\/metadata$/.test(entityId);
  if (!known) throw refusal('the service provider is not known here');
  const answer = await fetch(entityId).catch((cause: unknown) => {
    throw new Failure('unavailable', { cause });
  });
  if (!answer.ok) throw refusal('the service provider has no metadata');
  const root = parseXml(await answer.text());
  const [acs] = elementsIn(root, metadataNs, 'AssertionConsumerService');
  const keys = elementsIn(root, metadataNs, 'KeyDescriptor').filter(
    (key) => key.getAttribute('use') !== 'encryption',
  );
  const certificates = keys
    .flatMap((key) => elementsIn(key, signatureNs, 'X509Certificate'))
    .map(({ textContent }) => new X509Certificate(Buffer.from(textContent, 'base64')).toString());
  return { entityId, acsUrl: acs?.getAttribute('Location') ?? '', certificates };
}

const metadataNs = 'urn:oasis:names:tc:SAML:2.0:metadata';
const protocolNs = 'urn:oasis:names:tc:SAML:2.0:protocol';
const assertionNs = 'urn:oasis:names:tc:SAML:2.0:assertion';
const signatureNs = 'http://www.w3.org/2000/09/xmldsig#';

function parseAuthnRequest(document: string): AuthnRequest {
  const root = parseXml(document);
  const issuer = elementsIn(root, assertionNs, 'Issuer')[0]?.textContent;
  const id = root.getAttribute('ID');
  if (root.namespaceURI !== protocolNs || root.localName !== 'AuthnRequest' || !id || !issuer)
    throw refusal('not an AuthnRequest');
  return { id, issuer, forceAuthn: /^(true|1)$/.test(root.getAttribute('ForceAuthn') ?? '') };
}

/** SAML Bindings §3.4.4.1 (deflated), §3.5.4 (as it is) */
function decode(posted: Posted): string {
  if (posted.binding === 'post') return Buffer.from(posted.samlRequest, 'base64').toString();
  const packed = Buffer.from(new URLSearchParams(posted.rawQuery).get('SAMLRequest') ?? '', 'base64');
  try {
    return inflateRawSync(packed, { maxOutputLength: mostBytes }).toString();
  } catch (cause) {
    throw refusal('the request cannot be unpacked', cause);
  }
}

/** The parameters as they stand in the address are what was signed. @see SAML Bindings §3.4.4.1 */
function assertSignedQuery(rawQuery: string, { certificates }: ServiceProvider): void {
  const pairs = new Map(rawQuery.split('&').map((pair) => [pair.split('=', 1)[0] ?? '', pair]));
  const names = ['SAMLRequest', 'RelayState', 'SigAlg'];
  const signed = names.map((name) => pairs.get(name)).filter((pair) => pair !== undefined);
  const query = new URLSearchParams(rawQuery);
  const hash = /#rsa-(sha256|sha512)$/.exec(query.get('SigAlg') ?? '')?.[1];
  const signature = Buffer.from(query.get('Signature') ?? '', 'base64');
  const isSigned = certificates.some(
    (certificate) =>
      hash !== undefined &&
      verify(hash, Buffer.from(signed.join('&')), createPublicKey(certificate), signature),
  );
  if (!isSigned) throw refusal('the request is not signed by the service provider');
}

/** What the signature covers, and nothing else of the document. @see SAML Core §5 */
function signedXml(document: string, { certificates }: ServiceProvider): string {
  const [element] = elementsIn(parseXml(document), signatureNs, 'Signature');
  for (const publicCert of element ? certificates : []) {
    const signature = new SignedXml({ publicCert, getCertFromKeyInfo: () => null });
    try {
      signature.loadSignature(element as unknown as Node);
      const covered = signature.checkSignature(document) ? signature.getSignedReferences()[0] : undefined;
      if (covered !== undefined) return covered;
    } catch (cause) {
      throw refusal('the signature of the request cannot be read', cause);
    }
  }
  throw refusal('the request is not signed by the service provider');
}

function parseXml(document: string): Element {
  if (document.length > mostBytes || document.includes('<!')) throw refusal('not the XML that is taken here');
  const complain = (message: string): never => {
    throw refusal('not XML', message);
  };
  const errorHandler = { warning: complain, error: complain, fatalError: complain };
  const parsed = new DOMParser({ errorHandler }).parseFromString(document, 'text/xml') as
    Document | undefined;
  const root = parsed?.documentElement as Element | null | undefined;
  if (!root) throw refusal('not XML');
  return root;
}

/** As an array: the lists of this parser cannot be iterated, whatever their type says. */
function elementsIn(within: Element, namespace: string, name: string): Element[] {
  return Array.from(within.getElementsByTagNameNS(namespace, name));
}

function refusal(detail: string, cause?: unknown): Failure {
  return new Failure('invalid_input', { detail, cause });
}
