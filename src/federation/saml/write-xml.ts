/** XML that goes out: written as text, escaped, and signed where that is asked for. */
import { SignedXml } from 'xml-crypto';
import { algorithms } from './names.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** For text and for values of attributes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');
}

export const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

export interface Signing {
  /** PEM */
  readonly privateKey: string;
  /** Where the signature is put: as the first child of the root, or after the first one. */
  readonly place: 'first' | 'second';
}

/** The document with a signature of its root, which has an `ID`. @see SAML 2.0 Core §5 */
export function signXml(xml: string, { privateKey, place }: Signing): string {
  const signed = new SignedXml({
    privateKey,
    signatureAlgorithm: rsaSha256,
    canonicalizationAlgorithm: algorithms.exclusive,
  });
  signed.addReference({
    xpath: '/*',
    transforms: [algorithms.enveloped, algorithms.exclusive],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  signed.computeSignature(xml, {
    prefix: 'ds',
    location:
      place === 'first' ? { reference: '/*', action: 'prepend' } : { reference: '/*/*[1]', action: 'after' },
  });
  return signed.getSignedXml();
}
