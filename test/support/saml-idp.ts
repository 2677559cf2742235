/**
 * An identity provider for tests in which everything can be forged: every field has a value that is right, every field
 * takes another one, and the XML can be changed before the assertion is signed, before the response is, and after that.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { SignedXml } from 'xml-crypto';
import { encrypt as encryptXml } from 'xml-encryption';
import type { IdpCertificate } from '../../src/core/connections/connections.ts';
import { selfSignedCertificate } from '../../src/kernel/certificate.ts';
import { addSeconds, day } from '../../src/kernel/time.ts';

export interface IdpKey {
  readonly privatePem: string;
  readonly certificatePem: string;
  /** As a connection has it on record. */
  readonly certificate: IdpCertificate;
}

/** A key with a certificate. Slow: make it once. */
export function makeIdpKey({ bits = 2048, notAfter = new Date(Date.now() + 365 * day * 1000) } = {}): IdpKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const notBefore = addSeconds(notAfter, -2 * 365 * day);
  const name = 'An identity provider';
  const certificatePem = selfSignedCertificate(createPrivateKey(privatePem), { name, notBefore, notAfter });
  const { raw, fingerprint256 } = new X509Certificate(certificatePem);
  const certificate = {
    der: raw.toString('base64'),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfter: notAfter.toISOString(),
    retiringSince: null,
  };
  return { privatePem, certificatePem, certificate };
}

export const nameIdFormats = {
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  email: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
} as const;

/** What a response says. `undefined` leaves the attribute or element out. */
export interface Says {
  readonly responseId: string;
  readonly responseIssuer: string | undefined;
  readonly destination: string | undefined;
  /** Of the Response. */
  readonly inResponseTo: string | undefined;
  readonly status: string;
  readonly assertionId: string;
  readonly issuer: string | undefined;
  readonly issuedAt: Date;
  readonly version: string;
  readonly nameId: string | undefined;
  readonly nameIdFormat: string | undefined;
  readonly nameQualifier: string | undefined;
  readonly spNameQualifier: string | undefined;
  readonly method: string;
  readonly recipient: string | undefined;
  /** Of the subject's confirmation. */
  readonly confirms: string | undefined;
  readonly confirmationNotBefore: Date | undefined;
  readonly confirmationEnd: Date | undefined;
  readonly notBefore: Date | undefined;
  readonly notOnOrAfter: Date | undefined;
  /** Each a restriction of its own, with its audiences. */
  readonly audiences: readonly (readonly string[])[];
  readonly provenAt: Date | undefined;
  readonly sessionEnd: Date | undefined;
  readonly sessionIndex: string | undefined;
  readonly contextClass: string;
  /** Name and values, in order, so that a name may stand twice. */
  readonly attributes: readonly (readonly [name: string, ...values: string[]])[];
}

export type Edit = (xml: string) => string;

export interface Making {
  readonly says?: Partial<Says>;
  readonly sign?: 'assertion' | 'response' | 'both' | 'none';
  readonly key?: IdpKey;
  readonly algorithms?: Partial<Algorithms>;
  readonly encrypt?: Encryption;
  /** Before anything is signed: the assertion alone. */
  readonly assertion?: Edit;
  /** Before the response is signed, with the assertion in it. */
  readonly response?: Edit;
  /** After all. */
  readonly then?: Edit;
}

export interface Algorithms {
  readonly signature: string;
  readonly digest: string;
  readonly transforms: readonly string[];
  readonly canonicalization: string;
}

export interface Encryption {
  /** PEM */
  readonly certificate: string;
  readonly content?: string;
  readonly key?: string;
}

export const xmlNames = {
  rsaSha1: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
  rsaSha256: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  rsaSha512: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  hmacSha1: 'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
  sha1: 'http://www.w3.org/2000/09/xmldsig#sha1',
  sha256: 'http://www.w3.org/2001/04/xmlenc#sha256',
  sha512: 'http://www.w3.org/2001/04/xmlenc#sha512',
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  exclusive: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  aes128Gcm: 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  aes256Gcm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  aes256Cbc: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  tripleDes: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc',
  oaep: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  rsa15: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5',
} as const;

export interface Addressee {
  readonly entityId: string;
  readonly acsUrl: string;
}

export interface TestIdp {
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly key: IdpKey;
  readonly now: () => Date;
}

/** What a right answer to that request says, at that moment, to that service provider. */
export function rightAnswer(idp: TestIdp, to: Addressee, requestId: string | undefined): Says {
  const now = idp.now();
  return {
    responseId: newId(),
    responseIssuer: idp.entityId,
    destination: to.acsUrl,
    inResponseTo: requestId,
    status: 'urn:oasis:names:tc:SAML:2.0:status:Success',
    assertionId: newId(),
    issuer: idp.entityId,
    issuedAt: now,
    version: '2.0',
    nameId: 'alice-7f3a',
    nameIdFormat: nameIdFormats.persistent,
    nameQualifier: undefined,
    spNameQualifier: undefined,
    method: 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
    recipient: to.acsUrl,
    confirms: requestId,
    confirmationNotBefore: undefined,
    confirmationEnd: addSeconds(now, 300),
    notBefore: addSeconds(now, -30),
    notOnOrAfter: addSeconds(now, 300),
    audiences: [[to.entityId]],
    provenAt: addSeconds(now, -10),
    sessionEnd: addSeconds(now, 8 * 3600),
    sessionIndex: '_session-1',
    contextClass: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    attributes: [
      ['email', 'alice@acme.test'],
      ['groups', 'staff', 'support'],
    ],
  };
}

function newId(): string {
  return `_${randomBytes(16).toString('hex')}`;
}

/** The XML of a response, made, signed and changed as it is asked for. */
export async function makeResponse(
  idp: TestIdp,
  { to, requestId }: { readonly to: Addressee; readonly requestId?: string | undefined },
  making: Making = {},
): Promise<string> {
  const {
    sign = 'assertion',
    key = idp.key,
    encrypt,
    assertion = same,
    response = same,
    then = same,
  } = making;
  const says = { ...rightAnswer(idp, to, requestId), ...making.says };
  const signing = { key, algorithms: { ...usualAlgorithms, ...making.algorithms } };
  let inner = assertion(assertionXml(says));
  if (sign === 'assertion' || sign === 'both') inner = signRoot(inner, signing);
  if (encrypt)
    inner = `<saml:EncryptedAssertion>${await encryptAssertion(inner, encrypt)}</saml:EncryptedAssertion>`;
  let outer = response(responseXml(says, inner));
  if (sign === 'response' || sign === 'both') outer = signRoot(outer, signing);
  return then(outer);
}

/** As the browser posts it. */
export function toForm(xml: string): { readonly samlResponse: string } {
  return { samlResponse: Buffer.from(xml).toString('base64') };
}

const same: Edit = (xml) => xml;

const usualAlgorithms: Algorithms = {
  signature: xmlNames.rsaSha256,
  digest: xmlNames.sha256,
  transforms: [xmlNames.enveloped, xmlNames.exclusive],
  canonicalization: xmlNames.exclusive,
};

export interface Signing {
  readonly key: Pick<IdpKey, 'privatePem' | 'certificatePem'>;
  readonly algorithms?: Algorithms;
}

/** Signs the root, after its first child. With HMAC the secret is the certificate, as an attacker would have it. */
export function signRoot(xml: string, { key, algorithms = usualAlgorithms }: Signing): string {
  const isHmac = algorithms.signature === xmlNames.hmacSha1;
  const signed = new SignedXml({
    privateKey: isHmac ? key.certificatePem : key.privatePem,
    publicCert: key.certificatePem,
    signatureAlgorithm: algorithms.signature,
    canonicalizationAlgorithm: algorithms.canonicalization,
  });
  if (isHmac) signed.enableHMAC();
  signed.addReference({
    xpath: '/*',
    transforms: [...algorithms.transforms],
    digestAlgorithm: algorithms.digest,
  });
  signed.computeSignature(xml, { prefix: 'ds', location: { reference: '/*/*[1]', action: 'after' } });
  return signed.getSignedXml();
}

const encryptAsync = promisify(encryptXml);

function encryptAssertion(xml: string, { certificate, content, key }: Encryption): Promise<string> {
  return encryptAsync(xml, {
    rsa_pub: new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    pem: certificate,
    encryptionAlgorithm: (content ?? xmlNames.aes256Gcm) as 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
    keyEncryptionAlgorithm: (key ?? xmlNames.oaep) as typeof xmlNames.oaep,
    warnInsecureAlgorithm: false,
  });
}

function responseXml(says: Says, inner: string): string {
  return [
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`,
    attributesXml({
      ID: says.responseId,
      Version: '2.0',
      IssueInstant: says.issuedAt,
      Destination: says.destination,
      InResponseTo: says.inResponseTo,
    }),
    '>',
    issuerXml(says.responseIssuer),
    `<samlp:Status><samlp:StatusCode Value="${escape(says.status)}"/></samlp:Status>`,
    inner,
    '</samlp:Response>',
  ].join('');
}

function assertionXml(says: Says): string {
  const assertion = attributesXml({
    ID: says.assertionId,
    Version: says.version,
    IssueInstant: says.issuedAt,
  });
  return [
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"${assertion}>`,
    issuerXml(says.issuer),
    subjectXml(says),
    conditionsXml(says),
    statementXml(says),
    attributeStatementXml(says),
    '</saml:Assertion>',
  ].join('');
}

function issuerXml(issuer: string | undefined): string {
  return issuer === undefined ? '' : `<saml:Issuer>${escape(issuer)}</saml:Issuer>`;
}

function subjectXml(says: Says): string {
  const naming = attributesXml({
    Format: says.nameIdFormat,
    NameQualifier: says.nameQualifier,
    SPNameQualifier: says.spNameQualifier,
  });
  const confirmation = attributesXml({
    InResponseTo: says.confirms,
    NotBefore: says.confirmationNotBefore,
    NotOnOrAfter: says.confirmationEnd,
    Recipient: says.recipient,
  });
  return [
    '<saml:Subject>',
    says.nameId === undefined ? '' : `<saml:NameID${naming}>${escape(says.nameId)}</saml:NameID>`,
    `<saml:SubjectConfirmation Method="${says.method}"><saml:SubjectConfirmationData${confirmation}/></saml:SubjectConfirmation>`,
    '</saml:Subject>',
  ].join('');
}

function conditionsXml({ notBefore, notOnOrAfter, audiences }: Says): string {
  const restrictions = audiences.map((names) => {
    const inner = names.map((name) => `<saml:Audience>${escape(name)}</saml:Audience>`).join('');
    return `<saml:AudienceRestriction>${inner}</saml:AudienceRestriction>`;
  });
  const times = attributesXml({ NotBefore: notBefore, NotOnOrAfter: notOnOrAfter });
  return `<saml:Conditions${times}>${restrictions.join('')}</saml:Conditions>`;
}

function statementXml({ provenAt, sessionEnd, sessionIndex, contextClass }: Says): string {
  const attributes = attributesXml({
    AuthnInstant: provenAt,
    SessionIndex: sessionIndex,
    SessionNotOnOrAfter: sessionEnd,
  });
  const context = `<saml:AuthnContextClassRef>${escape(contextClass)}</saml:AuthnContextClassRef>`;
  return `<saml:AuthnStatement${attributes}><saml:AuthnContext>${context}</saml:AuthnContext></saml:AuthnStatement>`;
}

function attributeStatementXml({ attributes }: Says): string {
  if (attributes.length === 0) return '';
  const written = attributes.map(([name, ...values]) => {
    const inner = values
      .map((value) => `<saml:AttributeValue>${escape(value)}</saml:AttributeValue>`)
      .join('');
    return `<saml:Attribute Name="${escape(name)}">${inner}</saml:Attribute>`;
  });
  return `<saml:AttributeStatement>${written.join('')}</saml:AttributeStatement>`;
}

function attributesXml(attributes: Readonly<Record<string, string | Date | undefined>>): string {
  return Object.entries(attributes)
    .flatMap(([name, value]) => {
      if (value === undefined) return [];
      return ` ${name}="${escape(typeof value === 'string' ? value : value.toISOString())}"`;
    })
    .join('');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

export interface MetadataSays {
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly keys: readonly Pick<IdpKey, 'certificate'>[];
}

export function idpMetadata({ entityId, ssoUrl, keys }: MetadataSays): string {
  const descriptors = keys.map(
    ({ certificate }) =>
      `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate.der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  );
  return [
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${escape(entityId)}">`,
    '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">',
    ...descriptors,
    `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${escape(ssoUrl)}"/>`,
    '</md:IDPSSODescriptor></md:EntityDescriptor>',
  ].join('');
}
