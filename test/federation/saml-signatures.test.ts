/** S01–S15: whose signature it is, what it covers, and with which algorithms. */
import t from 'tap';
import { readEnvelope } from '../../src/federation/saml/response.ts';
import { attempt, openSamlCase, outcomeOf } from '../support/saml-case.ts';
import { type Edit, makeIdpKey, makeResponse, xmlNames } from '../support/saml-idp.ts';
import { inEachMode, modes } from '../support/saml-modes.ts';
import { assertionOf, forged, signatureOf, withNewId, without } from '../support/saml-wrapping.ts';

const stranger = makeIdpKey();

t.test('signatures', async (t) => {
  const saml = await openSamlCase(t);

  t.test('a genuine response is taken, under every policy that it satisfies', async (t) => {
    await inEachMode(t, saml, { expected: 'taken: alice-7f3a', making: {} });
  });

  t.test('a policy asks for its signatures', async (t) => {
    const lacking = [
      ['assertion', 'response'],
      ['response', 'assertion'],
      ['both', 'assertion'],
      ['both', 'response'],
    ] as const;
    for (const [signaturePolicy, sign] of lacking) {
      const answer = await attempt(saml, { sign }, { settings: { signaturePolicy } });
      t.equal(outcomeOf(answer), 'saml_signature', `policy ${signaturePolicy}, signed: ${sign}`);
    }
  });

  t.test('S01: an unsigned response is refused', async (t) => {
    await inEachMode(t, saml, { expected: 'saml_signature', making: { sign: 'none' } });
  });

  t.test('S02: a response signed by somebody else, with their certificate in it, is refused', async (t) => {
    await inEachMode(t, saml, { expected: 'saml_signature', making: { key: stranger } });
  });

  t.test('S02: a good signature does not make up for a bad one beside it', async (t) => {
    const breakOne =
      (element: 'Response' | 'Assertion'): Edit =>
      (xml) => {
        const at = xml.indexOf(
          '<ds:SignatureValue>',
          xml.indexOf(`<saml${element === 'Response' ? 'p' : ''}:${element} `),
        );
        return `${xml.slice(0, at + 20)}AAAA${xml.slice(at + 24)}`;
      };
    for (const element of ['Response', 'Assertion'] as const)
      await inEachMode(t, saml, {
        expected: 'saml_signature',
        making: { then: breakOne(element) },
        signs: ['both'],
      });
  });

  t.test('S03: another NameID is refused', async (t) => {
    const then: Edit = (xml) => xml.replace('alice-7f3a', 'mallory');
    await inEachMode(t, saml, { expected: 'saml_signature', making: { then } });
  });

  t.test('S04: another attribute is refused', async (t) => {
    const then: Edit = (xml) => xml.replace('alice@acme.test', 'admin@acme.test');
    await inEachMode(t, saml, { expected: 'saml_signature', making: { then } });
  });

  t.test('S05: an assertion whose signature was stripped is refused', async (t) => {
    const then: Edit = (xml) => {
      const assertion = assertionOf(xml);
      return xml.replace(assertion, () => without(assertion, signatureOf(assertion)));
    };
    await inEachMode(t, saml, { expected: 'saml_signature', making: { then }, signs: ['assertion'] });
    for (const signaturePolicy of ['assertion', 'both'] as const) {
      const answer = await attempt(saml, { sign: 'both', then }, { settings: { signaturePolicy } });
      t.equal(outcomeOf(answer), 'saml_signature', signaturePolicy);
    }
  });

  t.test('S06: the genuine response inside the signature of a forged one is refused', async (t) => {
    const then: Edit = (xml) => {
      const signature = signatureOf(xml);
      const evil = withNewId(xml.replace(assertionOf(xml), forged));
      return evil.replace(signature, () => withObject(signature, without(xml, signature)));
    };
    await inEachMode(t, saml, { expected: 'saml_malformed', making: { then }, signs: ['response', 'both'] });
  });

  t.test('S06: the genuine assertion inside the signature of a forged one is refused', async (t) => {
    const then: Edit = (xml) => {
      const assertion = assertionOf(xml);
      const signature = signatureOf(assertion);
      const object = withObject(signature, without(assertion, signature));
      const evil = forged(assertion).replace('</saml:Issuer>', () => `</saml:Issuer>${object}`);
      return xml.replace(assertion, () => evil);
    };
    await inEachMode(t, saml, { expected: 'saml_malformed', making: { then }, signs: ['assertion', 'both'] });
  });

  const wrappings: Readonly<Record<string, (assertion: string) => string>> = {
    'S07: a forged assertion before the genuine one': (assertion) => forged(assertion) + assertion,
    'S07: a forged assertion after the genuine one': (assertion) => assertion + forged(assertion),
    'S08: a forged assertion around the genuine one': (assertion) =>
      forged(assertion).replace('</saml:Assertion>', () => `${assertion}</saml:Assertion>`),
    'S08: a forged assertion inside the genuine one': (assertion) =>
      assertion.replace(
        '<saml:Subject>',
        () => `<saml:Advice>${forged(assertion)}</saml:Advice><saml:Subject>`,
      ),
    'S09: the signature on a forged assertion, the genuine one in Extensions': (assertion) => {
      const signature = signatureOf(assertion);
      const evil = forged(assertion).replace('</saml:Issuer>', () => `</saml:Issuer>${signature}`);
      return `<samlp:Extensions>${without(assertion, signature)}</samlp:Extensions>${evil}`;
    },
    'S09: the genuine one in a part of another namespace': (assertion) =>
      `${forged(assertion)}<x:Kept xmlns:x="urn:x">${assertion}</x:Kept>`,
  };
  for (const [name, wrap] of Object.entries(wrappings)) {
    t.test(`${name}: refused`, async (t) => {
      const then: Edit = (xml) => xml.replace(assertionOf(xml), wrap);
      await inEachMode(t, saml, { expected: 'saml_malformed', making: { then } });
    });
  }

  t.test('S09: the genuine signature over a forged assertion is refused', async (t) => {
    const then: Edit = (xml) => {
      const signature = signatureOf(assertionOf(xml));
      const evil = forged(assertionOf(xml)).replace('</saml:Issuer>', () => `</saml:Issuer>${signature}`);
      return xml.replace(assertionOf(xml), () => evil);
    };
    await inEachMode(t, saml, { expected: 'saml_signature', making: { then }, signs: ['assertion', 'both'] });
  });

  t.test('S10: an id that stands twice is refused, however the attribute is called', async (t) => {
    for (const name of ['ID', 'Id', 'id', 'samlp:ID', 'xml:id']) {
      const then: Edit = (xml) => {
        const id = / ID="([^"]*)"/.exec(assertionOf(xml))?.[1] ?? '';
        return xml.replace(
          '<samlp:Status>',
          `<samlp:Extensions><x ${name}="${id}"/></samlp:Extensions><samlp:Status>`,
        );
      };
      await inEachMode(t, saml, { expected: 'saml_malformed', making: { then } });
    }
  });

  t.test('S10: two assertions of one id are refused', async (t) => {
    const then: Edit = (xml) => {
      const assertion = assertionOf(xml);
      return xml.replace(assertion, () => forged(assertion, { keepId: true }) + assertion);
    };
    await inEachMode(t, saml, { expected: 'saml_malformed', making: { then } });
  });

  t.test('S11: two SignedInfo are refused', async (t) => {
    const then: Edit = (xml) => {
      const info = /<ds:SignedInfo>[\s\S]*?<\/ds:SignedInfo>/.exec(xml)?.[0] ?? '';
      return xml.replace(info, () => info.replace(/<ds:DigestValue>.*?</, '<ds:DigestValue>AAAA<') + info);
    };
    await inEachMode(t, saml, { expected: 'saml_signature', making: { then } });
  });

  t.test('S12: a comment in a digest is refused', async (t) => {
    const then: Edit = (xml) => xml.replace('<ds:DigestValue>', '<ds:DigestValue><!--AAAA-->');
    await inEachMode(t, saml, { expected: 'saml_malformed', making: { then } });
  });

  t.test('S13: HMAC with the certificate as its secret is refused', async (t) => {
    const algorithms = { signature: xmlNames.hmacSha1 };
    await inEachMode(t, saml, { expected: 'saml_algorithm', making: { algorithms } });
  });

  const inclusive = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
  const refusedAlgorithms = {
    'S14: RSA with SHA-1': { signature: xmlNames.rsaSha1 },
    'S14: a digest of SHA-1': { digest: xmlNames.sha1 },
    'SA-09: inclusive canonicalization': { canonicalization: inclusive },
    'SA-09: canonicalization with comments': { canonicalization: `${xmlNames.exclusive}WithComments` },
    'SA-09: inclusive canonicalization of what is signed': { transforms: [xmlNames.enveloped, inclusive] },
    'SA-09: a transform in the other order': { transforms: [xmlNames.exclusive, xmlNames.enveloped] },
  };
  for (const [name, algorithms] of Object.entries(refusedAlgorithms)) {
    t.test(`${name} is refused`, async (t) => {
      await inEachMode(t, saml, { expected: 'saml_algorithm', making: { algorithms } });
    });
  }

  t.test('SA-09: no transform, one, three, and one that computes are refused', async (t) => {
    const transform = (algorithm: string) => `<ds:Transform Algorithm="${algorithm}"/>`;
    const both = transform(xmlNames.enveloped) + transform(xmlNames.exclusive);
    const xslt = transform('http://www.w3.org/TR/1999/REC-xslt-19991116');
    const cases = [
      ['', 'saml_signature'],
      [transform(xmlNames.enveloped), 'saml_signature'],
      [both + transform(xmlNames.exclusive), 'saml_signature'],
      [transform(xmlNames.enveloped) + xslt, 'saml_algorithm'],
    ] as const;
    for (const [inside, expected] of cases) {
      const then: Edit = (xml) =>
        xml.replace(/<ds:Transforms>.*?<\/ds:Transforms>/, `<ds:Transforms>${inside}</ds:Transforms>`);
      await inEachMode(t, saml, { expected, making: { then } });
    }
  });

  t.test('SA-09: an empty digest, and a reference to everything, are refused', async (t) => {
    const edits: readonly Edit[] = [
      (xml) => xml.replace(/<ds:DigestValue>.*?</, '<ds:DigestValue><'),
      (xml) => xml.replace(/<ds:Reference URI="[^"]*"/, '<ds:Reference URI=""'),
      (xml) => xml.replace(/<ds:Reference URI="[^"]*"/, '<ds:Reference'),
    ];
    for (const then of edits) await inEachMode(t, saml, { expected: 'saml_signature', making: { then } });
  });

  t.test('SA-08: what is of another shape is refused before a library sees it', async (t) => {
    const xml = await makeResponse(saml.idp, { to: saml.to, requestId: '_a' });
    const read = (edit: Edit) => () =>
      readEnvelope({
        xml: edit(xml),
        now: saml.ctx.now(),
        serviceProvider: saml.to,
        settings: saml.connection.settings,
        certificates: [],
        requestId: '_a',
        provenAfter: undefined,
        decryptionKeys: [],
      });
    const inExtensions = (inside: string) => (): string =>
      xml.replace('<samlp:Status>', () => `<samlp:Extensions>${inside}</samlp:Extensions><samlp:Status>`);
    t.doesNotThrow(read((xml) => xml));
    const shapes: Readonly<Record<string, readonly [code: string, edit: Edit]>> = {
      'an id that is none': ['saml_malformed', inExtensions(`<x Id="a' or '1'='1"/>`)],
      'a signature in another place': ['saml_signature', inExtensions(signatureOf(xml))],
      'a SignedInfo in another place': ['saml_signature', inExtensions('<SignedInfo/>')],
      'a signature of another namespace': ['saml_signature', inExtensions('<x:Signature xmlns:x="urn:x"/>')],
      'two signatures': [
        'saml_signature',
        (xml) => xml.replace(signatureOf(xml), (signature) => signature + signature),
      ],
      'a reference to something else': [
        'saml_signature',
        (xml) => xml.replace(/URI="#[^"]*"/, 'URI="#other"'),
      ],
      'a reference to everything': ['saml_signature', (xml) => xml.replace(/URI="#[^"]*"/, 'URI=""')],
      'an empty digest': [
        'saml_signature',
        (xml) => xml.replace(/<ds:DigestValue>.*?</, '<ds:DigestValue><'),
      ],
    };
    for (const [name, [refused, edit]] of Object.entries(shapes))
      t.throws(read(edit), { cause: { refused } }, name);
  });

  t.test('SHA-512 is as good as SHA-256', async (t) => {
    const algorithms = { signature: xmlNames.rsaSha512, digest: xmlNames.sha512 };
    await inEachMode(t, saml, { expected: 'taken: alice-7f3a', making: { algorithms } });
  });

  t.test(
    'S39: the old and the new certificate are taken while both are on record, a removed one is refused',
    async (t) => {
      const next = makeIdpKey();
      const old = { ...saml.idp.key.certificate, retiringSince: saml.ctx.now().toISOString() };
      const both = { certificates: [old, next.certificate] };
      for (const [, sign] of modes) {
        for (const key of [saml.idp.key, next])
          t.equal(outcomeOf(await attempt(saml, { key, sign }, { published: both })), 'taken: alice-7f3a');
        const after = await attempt(saml, { sign }, { published: { certificates: [next.certificate] } });
        t.equal(outcomeOf(after), 'saml_signature');
      }
    },
  );

  t.test('a certificate past its date is taken, unless the connection says otherwise', async (t) => {
    const expired = makeIdpKey({ notAfter: new Date(Date.now() - 1000) });
    const published = { certificates: [saml.idp.key.certificate, expired.certificate] };
    t.equal(outcomeOf(await attempt(saml, { key: expired }, { published })), 'taken: alice-7f3a');
    const settings = { refuseExpiredCertificates: true };
    t.equal(
      outcomeOf(await attempt(saml, { key: expired }, { published, settings })),
      'saml_certificate_expired',
    );
    t.equal(outcomeOf(await attempt(saml, {}, { published, settings })), 'taken: alice-7f3a');
    t.equal(outcomeOf(await attempt(saml, { key: stranger }, { published, settings })), 'saml_signature');
  });
});

function withObject(signature: string, content: string): string {
  return signature.replace('</ds:Signature>', () => `<ds:Object>${content}</ds:Object></ds:Signature>`);
}
