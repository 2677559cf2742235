/** S38, S39, SA-16: what identity providers publish of themselves, and what is taken of it. */
import t from 'tap';
import {
  type IdpMetadata,
  type MetadataOptions,
  parseSamlMetadata,
} from '../../src/federation/saml/metadata.ts';
import { Failure } from '../../src/kernel/failures.ts';
import { day } from '../../src/kernel/time.ts';
import { idpMetadata, makeIdpKey, signRoot } from '../support/saml-idp.ts';

const now = new Date('2030-01-01T00:00:00Z');
const [key, second, weak] = [makeIdpKey(), makeIdpKey(), makeIdpKey({ bits: 1024 })];
const entityId = 'https://idp.acme.test/metadata';
const ssoUrl = 'https://idp.acme.test/sso?idp=1';
const plain = idpMetadata({ entityId, ssoUrl, keys: [key, second] });

/** Of an elliptic curve, which node-saml cannot verify with. */
const curve =
  'MIIBcDCCARegAwIBAgIUMqRhPz01ENiXyE/ToRy5uULS8KIwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCZWMwIBcNMjYxMTI2MDMzMzQ0WhgPMjEyNjExMDIwMzMzNDRaMA0xCzAJBgNVBAMMAmVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEm0LnbkZae7Fdrs4F80SwZETgYAg1Al5EXv0du+wQ/lqjBAaZ6/ffzj9FpWRCUfrIU7Q3kLCGCUQ5sNc0erWXv6NTMFEwHQYDVR0OBBYEFN7d/DZN9ZhjbdwXfOOle8kmFsxMMB8GA1UdIwQYMBaAFN7d/DZN9ZhjbdwXfOOle8kmFsxMMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgATEOOizqCxGZGzCIuisyDzev6jxcKKKNqNt7KuSBN4gCID6uft+AyeeDlLELWZkSKQvteLwZQUyTysZmQoRVflX7';

function parse(xml: string, options: Partial<MetadataOptions> = {}): IdpMetadata {
  return parseSamlMetadata(xml, { now, allowHttp: false, ...options });
}

function outcomeOf(xml: string, options: Partial<MetadataOptions> = {}): string {
  try {
    return parse(xml, options).entityId;
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

t.test('good metadata: name, address, certificates and times', (t) => {
  t.same(parse(plain), {
    entityId,
    published: {
      ssoUrl,
      binding: 'redirect',
      certificates: [key.certificate, second.certificate].map((certificate) => ({
        ...certificate,
        // certificates count in seconds
        notAfter: new Date(Math.floor(Date.parse(certificate.notAfter) / 1000) * 1000).toISOString(),
      })),
      validUntil: null,
    },
  });
  const timed = plain.replace(
    'entityID',
    'validUntil="2030-01-08T00:00:00Z" cacheDuration="P1DT1H2M3.5S" entityID',
  );
  t.match(parse(timed), { published: { validUntil: '2030-01-08T00:00:00.000Z' }, cacheSeconds: day + 3723 });
  t.end();
});

t.test('one that only takes forms is asked by a form', (t) => {
  const post = plain.replace('HTTP-Redirect', 'HTTP-POST');
  t.match(parse(post).published, { ssoUrl, binding: 'post' });
  t.equal(outcomeOf(plain.replace('HTTP-Redirect', 'SOAP')), 'metadata_refused');
  t.end();
});

t.test('keys: those to sign with, and of RSA', (t) => {
  const fingerprints = (xml: string) =>
    parse(xml).published.certificates.map(({ fingerprint }) => fingerprint);
  const both = [key.certificate.fingerprint, second.certificate.fingerprint];
  t.same(fingerprints(plain.replaceAll(' use="signing"', '')), both, 'a key without a use is for all');
  t.same(fingerprints(plain.replace('use="signing"', 'use="encryption"')), both.slice(1));
  t.same(fingerprints(idpMetadata({ entityId, ssoUrl, keys: [key, key] })), both.slice(0, 1), 'each once');
  const lines = plain.replace(
    key.certificate.der,
    (der) => `\n${der.match(/.{1,64}/g)?.join('\r\n') ?? ''}\n`,
  );
  t.same(fingerprints(lines), both);
  t.same(fingerprints(plain.replace(key.certificate.der, curve)), both.slice(1));
  t.end();
});

t.test('of several identity providers the named one is taken', (t) => {
  const other = idpMetadata({
    entityId: 'https://other.test',
    ssoUrl: 'https://other.test/sso',
    keys: [second],
  });
  const aggregate = (inside: string, attributes = '') =>
    `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"${attributes}>${inside}</md:EntitiesDescriptor>`;
  const nested = aggregate(other + aggregate(plain, ' validUntil="2030-01-02T00:00:00Z"'));
  t.equal(outcomeOf(nested, { entityId }), entityId);
  t.equal(
    parse(nested, { entityId }).published.validUntil,
    '2030-01-02T00:00:00.000Z',
    'the times around it are its own',
  );
  t.equal(outcomeOf(nested), 'metadata_refused', 'none is named');
  t.equal(outcomeOf(nested, { entityId: 'https://nobody.test' }), 'metadata_refused');
  t.equal(outcomeOf(aggregate(plain + plain), { entityId }), 'metadata_refused', 'twice');
  t.equal(outcomeOf(aggregate(plain)), entityId, 'one is enough');
  t.equal(outcomeOf(aggregate('')), 'metadata_refused');
  t.end();
});

t.test('a signature in it is neither asked for nor believed', (t) => {
  const signed = signRoot(plain.replace('entityID', 'ID="_a" entityID'), { key: second });
  t.equal(outcomeOf(signed), entityId);
  t.equal(outcomeOf(signed.replace(/<ds:SignatureValue>.{4}/, '<ds:SignatureValue>AAAA')), entityId);
  t.end();
});

t.test('comments between elements are read over', (t) => {
  t.equal(outcomeOf(`<!-- made by hand -->${plain}`), entityId);
  t.equal(outcomeOf(plain.replace('<md:IDPSSODescriptor', '<!-- sign-in --><md:IDPSSODescriptor')), entityId);
  t.end();
});

const location = (address: string) => plain.replace(/Location="[^"]*"/, `Location="${address}"`);
const refused: Readonly<Record<string, string>> = {
  'a document type': `<!DOCTYPE x>${plain}`,
  'an external entity': `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${plain.replace(ssoUrl, '&a;')}`,
  'a processing instruction': `<?x y?>${plain}`,
  'a comment in a certificate': plain.replace(key.certificate.der, (der) => `<!---->${der}`),
  'a page of HTML': '<!DOCTYPE html><html><body>Sign in</body></html>',
  'a page of XHTML': '<html xmlns="http://www.w3.org/1999/xhtml"/>',
  'no XML': 'not found',
  nothing: '',
  'an http address': location('http://idp.acme.test/sso'),
  'an http address on loopback': location('http://127.0.0.1:3000/sso'),
  'a javascript: address': location('javascript:alert(1)'),
  'a data: address': location('data:text/html,x'),
  'an address without a scheme': location('//idp.acme.test/sso'),
  'an address with a password': location('https://a:b@idp.acme.test/sso'),
  'no address': location(''),
  'no sign-in': plain.replace(/<md:SingleSignOnService.*?\/>/, ''),
  'a key of 1024 bits': idpMetadata({ entityId, ssoUrl, keys: [weak] }),
  'a key of 1024 bits beside a good one': idpMetadata({ entityId, ssoUrl, keys: [key, weak] }),
  'only a key of an elliptic curve': idpMetadata({ entityId, ssoUrl, keys: [key] }).replace(
    key.certificate.der,
    curve,
  ),
  'a certificate that is none': plain.replace(key.certificate.der, 'AAAA'),
  'no certificate': idpMetadata({ entityId, ssoUrl, keys: [] }),
  'eleven certificates': idpMetadata({ entityId, ssoUrl, keys: Array.from({ length: 11 }, () => key) }),
  'no entityID': plain.replace(/entityID="[^"]*"/, ''),
  'a service provider': plain.replaceAll('IDPSSODescriptor', 'SPSSODescriptor'),
  'SAML 1.1': plain.replace('SAML:2.0:protocol"', 'SAML:1.1:protocol"'),
  'another namespace': plain.replace('SAML:2.0:metadata', 'SAML:2.0:other'),
  'two descriptors': plain.replace(/<md:IDPSSODescriptor.*<\/md:IDPSSODescriptor>/, '$&$&'),
  'that has expired': plain.replace('entityID', 'validUntil="2029-12-31T23:59:59Z" entityID'),
  'an end that is no time': plain.replace('entityID', 'validUntil="soon" entityID'),
  'half a megabyte': plain.replace('><', `>${' '.repeat(512 * 1024)}<`),
  'a hundred thousand elements': plain.replace('<md:IDP', `${'<a/>'.repeat(100_000)}$&`),
  'a depth of a hundred': plain.replace('<md:IDP', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}$&`),
};
for (const [name, xml] of Object.entries(refused)) {
  t.test(`S38: ${name} is refused`, (t) => {
    t.equal(outcomeOf(xml), 'metadata_refused');
    t.end();
  });
}

t.test('S38: another entityID than the one on record is refused', (t) => {
  t.equal(outcomeOf(plain, { entityId }), entityId);
  t.equal(outcomeOf(plain.replace(entityId, 'https://evil.test'), { entityId }), 'metadata_refused');
  t.end();
});

t.test('http is taken on this machine, where that is allowed', (t) => {
  for (const host of ['127.0.0.1:3000', 'localhost', '[::1]:80'])
    t.equal(outcomeOf(location(`http://${host}/sso`), { allowHttp: true }), entityId, host);
  for (const host of ['127.0.0.1.evil.test', 'localhost.evil.test', 'idp.acme.test', '169.254.169.254'])
    t.equal(outcomeOf(location(`http://${host}/sso`), { allowHttp: true }), 'metadata_refused', host);
  t.equal(outcomeOf(location('javascript:alert(1)'), { allowHttp: true }), 'metadata_refused');
  t.end();
});

t.test('a byte order mark is no obstacle', (t) => {
  t.equal(outcomeOf(`\ufeff<?xml version="1.0" encoding="UTF-8"?>\n${plain}`), entityId);
  t.end();
});
