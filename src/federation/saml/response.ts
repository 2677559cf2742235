/**
 * The envelope: what a Response says around its assertion. Unless it is signed itself anybody may have written that, so
 * nothing here is believed; it is only ever a reason to refuse.
 */
import { algorithms, ds, saml, samlp, xenc } from './names.ts';
import type { SamlQuestion } from './question.ts';
import { refuse } from './refusing.ts';
import { checkIds, checkSignatures } from './signature.ts';
import {
  childrenNamed,
  elementsOf,
  isNamed,
  type Name,
  parseXml,
  textOf,
  type XmlElement,
  type XmlLimits,
} from './xml.ts';

/** Generous for people with hundreds of groups, and far from what takes long. */
export const responseLimits: XmlLimits = { bytes: 64 * 1024, elements: 1000, depth: 50, attributes: 60 };

export interface Envelope {
  readonly root: XmlElement;
  readonly isSigned: boolean;
  /** Of a plain assertion; that of an encrypted one is seen when it is open. */
  readonly isAssertionSigned: boolean;
  readonly encrypted: XmlElement | undefined;
}

/** Reads the response and refuses what does not look like the answer that is waited for. */
export function readEnvelope(question: SamlQuestion): Envelope {
  const root = parseXml(question.xml, responseLimits);
  if (!isNamed(root, samlp('Response'))) refuse('saml_malformed', 'not a Response');
  if (root.attributes.get('Version') !== '2.0') refuse('saml_malformed', 'not version 2.0');
  if (!root.attributes.has('ID')) refuse('saml_malformed', 'a Response without an id');
  checkIds(root);
  const { plain, encrypted } = findAssertion(root);
  checkSignatures(root, plain ? [root, plain] : [root]);
  checkStatus(root);
  if (!plain && !encrypted) refuse('saml_malformed', 'no assertion');
  const isSigned = hasSignature(root);
  if (encrypted) checkEncryption(encrypted, isSigned);
  checkAddressee(root, { question, isSigned });
  return { root, isSigned, isAssertionSigned: plain !== undefined && hasSignature(plain), encrypted };
}

export function hasSignature(element: XmlElement): boolean {
  return childrenNamed(element, ds('Signature')).length > 0;
}

const parts = [
  saml('Issuer'),
  ds('Signature'),
  samlp('Extensions'),
  samlp('Status'),
  saml('Assertion'),
  saml('EncryptedAssertion'),
];

/** The one assertion, in its place. A second one anywhere is an attack: the one verified may not be the one read. */
function findAssertion(root: XmlElement): { readonly plain?: XmlElement; readonly encrypted?: XmlElement } {
  const assertions = [...elementsOf(root)].filter(({ local }) =>
    /^(?:Encrypted)?Assertion$|^Response$/.test(local),
  );
  const [plain] = childrenNamed(root, saml('Assertion'));
  const [encrypted] = childrenNamed(root, saml('EncryptedAssertion'));
  // the root itself is one of them
  if (assertions.length > 2) refuse('saml_malformed', 'more than one assertion');
  if (assertions.length === 2 && !plain && !encrypted)
    refuse('saml_malformed', 'an assertion out of its place');
  if (root.children.some((child) => !parts.some((part) => isNamed(child, part))))
    refuse('saml_malformed', 'an unknown part');
  return { ...(plain && { plain }), ...(encrypted && { encrypted }) };
}

const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';

function checkStatus(root: XmlElement): void {
  const code = only(only(root, samlp('Status')), samlp('StatusCode'));
  if (code.attributes.get('Value') === success) return;
  const words = [...elementsOf(code)].map(({ attributes }) =>
    /[A-Za-z]{1,40}$/.exec(attributes.get('Value') ?? ''),
  );
  refuse(
    'saml_status',
    `the identity provider says ${words.map((word) => word?.[0] ?? 'nothing').join(', ')}`,
  );
}

function only(parent: XmlElement, name: Name): XmlElement {
  const [child, second] = childrenNamed(parent, name);
  return child && !second ? child : refuse('saml_malformed', `not exactly one ${name[1]}`);
}

interface Expectations {
  readonly question: SamlQuestion;
  readonly isSigned: boolean;
}

/** @see SAML 2.0 Core §3.2.2, Bindings §3.5.5.2 */
function checkAddressee(root: XmlElement, { question, isSigned }: Expectations): void {
  const { settings, serviceProvider, requestId } = question;
  for (const issuer of childrenNamed(root, saml('Issuer')))
    if (textOf(issuer) !== settings.entityId) refuse('saml_issuer', 'the Response is from somebody else');
  const destination = root.attributes.get('Destination');
  if (destination === undefined ? isSigned : destination !== serviceProvider.acsUrl)
    refuse('saml_destination', 'the Response was sent to another address');
  if (root.attributes.get('InResponseTo') !== requestId)
    refuse('saml_in_response_to', 'the Response is not to this request');
}

/**
 * Without authentication of the ciphertext its errors tell what is in it: then the whole response must be signed. The
 * library looks for its parts by local name alone, so that others of that name must not be there.
 */
function checkEncryption(encrypted: XmlElement, isSigned: boolean): void {
  const [data] = childrenNamed(encrypted, xenc('EncryptedData'));
  const found = [...elementsOf(encrypted)];
  const [key] = found.filter((element) => isNamed(element, xenc('EncryptedKey')));
  const names = found.map(({ local }) => local).filter((local) => encryptionParts.includes(local));
  if (!data || !key || names.length !== encryptionParts.length)
    refuse('saml_encryption', 'not one content and one key to it');
  const content = algorithmOf(data);
  const isAllowed =
    algorithms.contentAuthenticated.has(content) || (isSigned && algorithms.content.has(content));
  if (!isAllowed) refuse('saml_algorithm', 'EncryptedData: an algorithm that is not allowed');
  if (!algorithms.key.has(algorithmOf(key)))
    refuse('saml_algorithm', 'EncryptedKey: an algorithm that is not allowed');
  for (const { local, attributes } of found)
    if (local === 'RetrievalMethod' && !/^#[\w.-]+$/.test(attributes.get('URI') ?? ''))
      refuse('saml_encryption', 'a key from elsewhere');
}

const encryptionParts = ['EncryptedData', 'EncryptedKey', 'EncryptionMethod', 'EncryptionMethod'];

function algorithmOf(element: XmlElement): string {
  return only(element, xenc('EncryptionMethod')).attributes.get('Algorithm') ?? '';
}
