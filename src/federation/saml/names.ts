/** The names and addresses of the standards, as far as they are used here. */
import type { Name } from './xml.ts';

export const protocol = 'urn:oasis:names:tc:SAML:2.0:protocol';
export const assertion = 'urn:oasis:names:tc:SAML:2.0:assertion';
export const metadata = 'urn:oasis:names:tc:SAML:2.0:metadata';
export const signature = 'http://www.w3.org/2000/09/xmldsig#';
export const encryption = 'http://www.w3.org/2001/04/xmlenc#';

export const saml = (local: string): Name => [assertion, local];
export const samlp = (local: string): Name => [protocol, local];
export const md = (local: string): Name => [metadata, local];
export const ds = (local: string): Name => [signature, local];
export const xenc = (local: string): Name => [encryption, local];

export const bindings = {
  redirect: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
  post: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
} as const;

export const algorithms = {
  /** RSA with SHA-256 or better; nothing with a shared key, which a public certificate could be taken for. */
  signature: new Set([
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
    'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
  ]),
  digest: new Set(['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512']),
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  exclusive: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  /** Authenticated: a changed ciphertext decrypts to nothing. */
  contentAuthenticated: new Set([
    'http://www.w3.org/2009/xmlenc11#aes128-gcm',
    'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  ]),
  content: new Set([
    'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
    'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  ]),
  key: new Set(['http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p']),
} as const;
