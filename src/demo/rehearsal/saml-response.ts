/** A SAML 2.0 response as an identity provider makes it, from facts alone: assertion signed, response signed. */
import type { KeyObject } from 'node:crypto';
import { SignedXml } from 'xml-crypto';

export interface ResponseFacts {
  readonly responseId: string;
  readonly assertionId: string;
  readonly sessionIndex: string;
  /** The entity id of who asserts. */
  readonly issuer: string;
  /** The request that is answered; undefined when there was none. */
  readonly inResponseTo: string | undefined;
  /** Where the response is posted, and where the assertion may be delivered. */
  readonly destination: string;
  readonly recipient: string;
  /** The entity id of whom it is for. */
  readonly audience: string;
  readonly issuedAt: Date;
  readonly authenticatedAt: Date;
  /** A name for the person that never changes and says nothing. */
  readonly nameId: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

export interface ResponseKey {
  readonly privateKey: KeyObject;
  /** PEM */
  readonly certificate: string;
}

/** Minutes around the issue in which an assertion counts. */
const earlyMinutes = 1;
const lateMinutes = 5;

/** The response as XML. @see SAML Core §2.3, §3.2.2; SAML Bindings §3.5; SAML Profiles §4.1.4.2 */
export function buildSamlResponse(facts: ResponseFacts, key: ResponseKey): string {
  const { responseId, issuer, inResponseTo, destination, issuedAt } = facts;
  const response = xml`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${responseId}" Version="2.0" IssueInstant="${instant(issuedAt)}" Destination="${destination}"${inReplyTo(inResponseTo)}><saml:Issuer>${issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${assertion(facts)}</samlp:Response>`;
  return sign(sign(response.markup, 'Assertion', key), 'Response', key);
}

function assertion(facts: ResponseFacts): Xml {
  const { assertionId, issuer, inResponseTo, recipient, audience, issuedAt, nameId } = facts;
  const early = instant(issuedAt, -earlyMinutes);
  const late = instant(issuedAt, lateMinutes);
  return xml`<saml:Assertion ID="${assertionId}" Version="2.0" IssueInstant="${instant(issuedAt)}"><saml:Issuer>${issuer}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">${nameId}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="${recipient}" NotOnOrAfter="${late}"${inReplyTo(inResponseTo)}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${early}" NotOnOrAfter="${late}"><saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>${statements(facts)}</saml:Assertion>`;
}

function statements({ sessionIndex, authenticatedAt, attributes }: ResponseFacts): Xml {
  const stated = Object.entries(attributes).map(
    ([name, values]) =>
      xml`<saml:Attribute Name="${name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">${values.map((value) => xml`<saml:AttributeValue>${value}</saml:AttributeValue>`)}</saml:Attribute>`,
  );
  return xml`<saml:AuthnStatement AuthnInstant="${instant(authenticatedAt)}" SessionIndex="${sessionIndex}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>${stated}</saml:AttributeStatement>`;
}

function inReplyTo(id: string | undefined): Xml | undefined {
  return id === undefined ? undefined : xml` InResponseTo="${id}"`;
}

function instant(at: Date, minutes = 0): string {
  return new Date(at.getTime() + minutes * 60_000).toISOString();
}

/** Puts the signature where the schema wants it: right after the issuer of what is signed. */
function sign(document: string, element: 'Assertion' | 'Response', key: ResponseKey): string {
  const signature = new SignedXml({
    privateKey: key.privateKey,
    publicCert: key.certificate,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: exclusive,
  });
  const xpath = `//*[local-name(.)='${element}']`;
  signature.addReference({
    xpath,
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', exclusive],
  });
  signature.computeSignature(document, {
    prefix: 'ds',
    location: { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signature.getSignedXml();
}

const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';

interface Xml {
  readonly markup: string;
}

type Part = string | Xml | undefined | readonly Part[];

/** XML that escapes by default: what is put in is text, unless `xml` has made it. */
export function xml(literals: TemplateStringsArray, ...parts: readonly Part[]): Xml {
  const markup = literals.reduce((text, literal, index) => `${text}${render(parts[index - 1])}${literal}`);
  return { markup };
}

function render(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return part.replace(/[&<>"']/g, (character) => entities[character] ?? '');
  if ('markup' in part) return part.markup;
  return part.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
