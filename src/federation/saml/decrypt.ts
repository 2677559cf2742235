/** Encrypted assertions: opened here first, so that what is in them is counted and scanned before a library reads it. */
import { DOMParser, XMLSerializer } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import { decrypt } from 'xml-encryption';
import { ds, encryption, saml } from './names.ts';
import type { SamlQuestion } from './question.ts';
import { refuse } from './refusing.ts';
import { type Envelope, hasSignature, responseLimits } from './response.ts';
import { checkIds, checkSignatures } from './signature.ts';
import { type Carried, toPem } from './verify-signature.ts';
import { checkSize, elementsOf, isNamed, type Name, parseXml } from './xml.ts';

export interface Opened {
  readonly carried: Carried;
  readonly decryptionKey: string | undefined;
}

/** What the assertion carries; an encrypted one is opened for that, and everything it must be is checked. */
export function openAssertion(envelope: Envelope, question: SamlQuestion): Opened {
  if (!envelope.encrypted) return { carried: envelope, decryptionKey: undefined };
  const { isSigned } = envelope;
  // a signature over all of it goes first: then nobody on the way can try out ciphertexts on us
  if (isSigned && !isSignedOnRecord(question))
    refuse('saml_signature', 'the Response is not signed as it says');
  // with the namespaces it stands in
  const element = new XMLSerializer().serializeToString(findChild(question.xml, saml('EncryptedAssertion')));
  for (const decryptionKey of question.decryptionKeys) {
    const xml = tryKey(element, decryptionKey);
    if (xml !== undefined) return { decryptionKey, carried: { isSigned, isAssertionSigned: scan(xml) } };
  }
  return refuse('saml_encryption', 'none of the keys opens it');
}

/** The shape was checked: there is one signature of the whole, and it names the whole. */
function isSignedOnRecord({ xml, certificates }: SamlQuestion): boolean {
  const node = findChild(xml, ds('Signature'));
  return certificates.some(({ der }) => {
    const signed = new SignedXml({ publicCert: toPem(der) });
    try {
      signed.loadSignature(node);
      return signed.checkSignature(xml);
    } catch {
      return false;
    }
  });
}

/** A child of the root, which is known to have one of that name. */
function findChild(xml: string, [uri, local]: Name): Element {
  const { childNodes } = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
  const elements = Array.from(childNodes).filter(
    (node): node is Element => node.nodeType === node.ELEMENT_NODE,
  );
  const found = elements.find(({ namespaceURI, localName }) => namespaceURI === uri && localName === local);
  return found ?? refuse('saml_malformed', `no ${local}`);
}

/** One answer for everything that can go wrong: which it was would help whoever tries out ciphertexts. */
function tryKey(element: string, key: string): string | undefined {
  let opened: string | undefined;
  try {
    // answers before it returns
    decrypt(element, { key, disallowDecryptionWithInsecureAlgorithm: true }, (error, xml) => {
      if (!error) opened = xml;
    });
  } catch {
    return undefined;
  }
  return opened;
}

/** Whether the assertion inside is signed; refuses what is none, and what is encrypted twice. */
function scan(xml: string): boolean {
  checkSize(Buffer.from(xml), responseLimits);
  const root = parseXml(xml, responseLimits);
  if (!isNamed(root, saml('Assertion'))) refuse('saml_encryption', 'something else than an assertion inside');
  if (
    [...elementsOf(root)].some(
      ({ uri, local }, at) => uri === encryption || (at > 0 && local === 'Assertion'),
    )
  )
    refuse('saml_malformed', 'an assertion in the assertion');
  checkIds(root);
  checkSignatures(root, [root]);
  return hasSignature(root);
}
