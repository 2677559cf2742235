/**
 * The signatures, verified by node-saml with the certificates on record and no others. What it answers with is the XML
 * that a verified signature covers; whatever else the document says is gone from there on.
 */
import { type CacheProvider, SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import type { RefusalCode } from '../../core/attempts/attempts.ts';
import type { IdpCertificate } from '../../core/connections/connections.ts';
import type { SamlQuestion } from './question.ts';
import { refuse } from './refusing.ts';

/** Which signatures are there. Each of them must verify, whatever the policy asks for. */
export interface Carried {
  readonly isSigned: boolean;
  readonly isAssertionSigned: boolean;
}

export interface Unverified {
  readonly question: SamlQuestion;
  readonly carried: Carried;
  /** PEM, the one that opens the assertion, where that is encrypted. */
  readonly decryptionKey: string | undefined;
}

/** Refuses a response that lacks a signature which the policy of its connection asks for. */
export function checkPolicy({ settings }: SamlQuestion, { isSigned, isAssertionSigned }: Carried): void {
  const isEnough = {
    assertion: isAssertionSigned,
    response: isSigned,
    both: isSigned && isAssertionSigned,
    either: isSigned || isAssertionSigned,
  }[settings.signaturePolicy];
  if (!isEnough) refuse('saml_signature', `not signed as the policy "${settings.signaturePolicy}" asks for`);
}

/** The assertion as it was signed. */
export async function readSignedAssertion(unverified: Unverified): Promise<string> {
  const { certificates, settings } = unverified.question;
  if (!settings.refuseExpiredCertificates) return readWith(certificates, unverified);
  const expired = expiredOf(unverified.question);
  const valid = certificates.filter((certificate) => !expired.includes(certificate));
  try {
    return await readWith(valid, unverified);
  } catch (refusal) {
    const isByExpired = await readWith(expired, unverified).then(Boolean, () => false);
    if (isByExpired)
      refuse('saml_certificate_expired', 'signed with the key of a certificate that has expired');
    throw refusal;
  }
}

function expiredOf({ certificates, now }: SamlQuestion): IdpCertificate[] {
  return certificates.filter(({ notAfter }) => new Date(notAfter) <= now);
}

async function readWith(certificates: readonly IdpCertificate[], unverified: Unverified): Promise<string> {
  const { profile } = await askLibrary(certificates, unverified).catch(explain);
  // the profile itself mixes attributes with what it is: only the bytes will do
  return profile?.getAssertionXml?.() ?? refuse('saml_malformed', 'no assertion');
}

async function askLibrary(certificates: readonly IdpCertificate[], unverified: Unverified) {
  const { question, carried, decryptionKey } = unverified;
  const { serviceProvider, settings, requestId } = question;
  const policy = settings.signaturePolicy;
  const saml = new SAML({
    issuer: serviceProvider.entityId,
    audience: serviceProvider.entityId,
    callbackUrl: serviceProvider.acsUrl,
    idpCert: certificates.map(({ der }) => toPem(der)),
    wantAssertionsSigned: carried.isAssertionSigned || policy === 'assertion' || policy === 'both',
    wantAuthnResponseSigned: carried.isSigned || policy === 'response' || policy === 'both',
    // "ifPresent" would let whoever strips it from an unsigned Response past it
    validateInResponseTo: requestId === undefined ? ValidateInResponseTo.never : ValidateInResponseTo.always,
    cacheProvider: knowing(requestId),
    // its clock is Date, and one decision has one clock: times are decided in assertion.ts, by ctx.now()
    acceptedClockSkewMs: -1,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    ...(decryptionKey !== undefined && { decryptionPvk: decryptionKey }),
  });
  return saml.validatePostResponseAsync({ SAMLResponse: Buffer.from(question.xml).toString('base64') });
}

/** A cache that knows one request and forgets nothing: what is consumed is consumed in the database, in one statement. */
function knowing(requestId: string | undefined): CacheProvider {
  return {
    // read as the moment of the request, whose age the departure has decided
    getAsync: async (id) => (id === requestId ? '9999-12-31T00:00:00Z' : null),
    saveAsync: () => Promise.reject(new Error('nothing is saved here')),
    removeAsync: async () => null,
  };
}

/** The library has words and no codes. Its words may hold what was asserted, so they stay here. */
const explanations: readonly (readonly [RegExp, RefusalCode, string])[] = [
  [/audience/i, 'saml_audience', 'the assertion is for somebody else, or for everybody'],
  [/InResponseTo/i, 'saml_in_response_to', 'the assertion is not for this request'],
  [/Error parsing/, 'saml_time', 'a time that is missing, or none'],
  [/subject confirmation/i, 'saml_subject', 'no confirmation of the subject'],
];

function explain(error: unknown): never {
  const said = String(error);
  const [, code, detail] = explanations.find(([words]) => words.test(said)) ?? [];
  return refuse(code ?? 'saml_signature', detail ?? 'no valid signature by a certificate on record');
}

export function toPem(der: string): string {
  const lines = der.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
