/** S14, S15, SA-11: assertions that only we can read are held to the same as all others, and to more. */
import t from 'tap';
import {
  createConnectionKey,
  listConnectionKeys,
  rotateConnectionKeys,
} from '../../src/core/connections/connections.ts';
import { inTransaction } from '../../src/context.ts';
import { attempt, openSamlCase, outcomeOf } from '../support/saml-case.ts';
import { type Edit, makeIdpKey, type Making, xmlNames } from '../support/saml-idp.ts';

const settings = { encryption: true };

t.test('encrypted assertions', async (t) => {
  const saml = await openSamlCase(t);
  const { ctx, connection } = saml;
  const place = { connectionId: connection.id, use: 'encryption' } as const;
  await createConnectionKey(ctx, { ...place, state: 'current' });
  await createConnectionKey(ctx, { ...place, state: 'next' });
  const keys = await listConnectionKeys(ctx.db, connection.id);
  const certificateOf = (state: string) => keys.find((key) => key.state === state)?.certificate ?? '';
  const encrypt = { certificate: certificateOf('current') };
  const outcome = async (making: Making, how = {}) =>
    outcomeOf(await attempt(saml, { encrypt, ...making }, { settings, ...how }));

  t.test('one is taken, however it is signed, by the key in use and by the next', async (t) => {
    for (const sign of ['assertion', 'response', 'both'] as const) {
      for (const certificate of [certificateOf('current'), certificateOf('next')])
        for (const content of [xmlNames.aes128Gcm, xmlNames.aes256Gcm])
          t.equal(await outcome({ sign, encrypt: { certificate, content } }), 'taken: alice-7f3a', sign);
    }
  });

  t.test('the policy asks for the signature inside', async (t) => {
    const how = { settings: { ...settings, signaturePolicy: 'assertion' as const } };
    t.equal(await outcome({ sign: 'assertion' }, how), 'taken: alice-7f3a');
    t.equal(await outcome({ sign: 'both' }, how), 'taken: alice-7f3a');
    t.equal(await outcome({ sign: 'response' }, how), 'saml_signature');
    t.equal(
      await outcome({ sign: 'none' }),
      'saml_signature',
      'whoever has our certificate can encrypt to us',
    );
  });

  t.test('who signed it is asked inside as well', async (t) => {
    for (const sign of ['assertion', 'response', 'both'] as const)
      t.equal(await outcome({ sign, key: makeIdpKey() }), 'saml_signature', sign);
  });

  t.test('a key of somebody else, or a connection that has none, opens nothing', async (t) => {
    const certificate = makeIdpKey().certificatePem;
    t.equal(await outcome({ encrypt: { certificate } }), 'saml_encryption');
    t.equal(await outcome({}, { settings: { encryption: false } }), 'saml_encryption');
  });

  t.test('S14: SHA-1 inside is refused', async (t) => {
    t.equal(await outcome({ algorithms: { signature: xmlNames.rsaSha1 } }), 'saml_algorithm');
    t.equal(await outcome({ algorithms: { digest: xmlNames.sha1 } }), 'saml_algorithm');
  });

  t.test(
    'S15: triple DES and RSA 1.5 are refused; AES-CBC too, unless the whole response is signed',
    async (t) => {
      const { certificate } = encrypt;
      for (const sign of ['assertion', 'response', 'both'] as const) {
        t.equal(
          await outcome({ sign, encrypt: { certificate, content: xmlNames.tripleDes } }),
          'saml_algorithm',
        );
        t.equal(await outcome({ sign, encrypt: { certificate, key: xmlNames.rsa15 } }), 'saml_algorithm');
      }
      const cbc = { certificate, content: xmlNames.aes256Cbc };
      t.equal(await outcome({ sign: 'assertion', encrypt: cbc }), 'saml_algorithm');
      t.equal(await outcome({ sign: 'both', encrypt: cbc }), 'taken: alice-7f3a');
      t.equal(await outcome({ sign: 'response', encrypt: cbc }), 'taken: alice-7f3a');
    },
  );

  t.test('SA-11: changed ciphertexts get one and the same answer', async (t) => {
    const change =
      (at: 'first' | 'last'): Edit =>
      (xml) => {
        const values = [...xml.matchAll(/<(?:xenc|e):CipherValue>[^<]{40}/g)];
        const { index = 0, 0: match = '' } = values.at(at === 'first' ? 0 : -1) ?? {};
        const end = index + match.length;
        return `${xml.slice(0, end)}${xml[end] === 'A' ? 'B' : 'A'}${xml.slice(end + 1)}`;
      };
    const answers = await Promise.all(
      [change('first'), change('last')].map((then) => attempt(saml, { encrypt, then }, { settings })),
    );
    t.match(answers[0], { refused: 'saml_encryption' });
    t.same(answers[1], answers[0], 'the same whether the key or the content was changed');
    const cbc = { certificate: encrypt.certificate, content: xmlNames.aes256Cbc };
    for (const then of [change('first'), change('last')])
      t.equal(await outcome({ sign: 'both', encrypt: cbc, then }), 'saml_signature', 'never decrypted');
  });

  t.test('what is inside is held against the same rules', async (t) => {
    const inside = (edit: Edit): Making => ({ assertion: edit });
    const huge =
      '<saml:AttributeStatement>' + '<saml:Attribute Name="a"/>'.repeat(1001) + '</saml:AttributeStatement>';
    const cases: readonly (readonly [string, Making])[] = [
      ['saml_pi', inside((xml) => xml.replace('alice-7f3a', '<?x alice-7f3a?>'))],
      ['saml_malformed', inside((xml) => xml.replace('alice-7f3a', 'alice<!---->-7f3a'))],
      ['saml_too_large', inside((xml) => xml.replace('</saml:Assertion>', `${huge}</saml:Assertion>`))],
      ['saml_encryption', inside((xml) => xml.replaceAll('saml:Assertion', 'saml:Advice'))],
      ['saml_audience', { says: { audiences: [['https://other.test']] } }],
      ['saml_recipient', { says: { recipient: 'https://other.test' } }],
      ['saml_in_response_to', { says: { confirms: undefined } }],
    ];
    for (const [expected, making] of cases)
      for (const sign of ['assertion', 'response', 'both'] as const)
        t.equal(await outcome({ sign, ...making }), expected, `${expected}, signed: ${sign}`);
  });

  t.test('what the library would take for another part is refused', async (t) => {
    const before = '<x:EncryptedData xmlns:x="urn:x"/>';
    const edits: readonly Edit[] = [
      (xml) => xml.replace('<saml:EncryptedAssertion>', `$&${before}`),
      (xml) => xml.replace(/<e:EncryptedKey[\s\S]*<\/e:EncryptedKey>/, '$&$&'),
      (xml) => xml.replace('<e:CipherData>', `<RetrievalMethod URI="#a' or '1'='1"/>$&`),
    ];
    for (const then of edits) t.equal(await outcome({ then }), 'saml_encryption');
  });

  t.test('after the keys have changed places the old one opens nothing', async (t) => {
    await inTransaction(ctx, (tx) => rotateConnectionKeys(tx, place));
    t.equal(await outcome({}), 'saml_encryption');
    t.equal(await outcome({ encrypt: { certificate: certificateOf('next') } }), 'taken: alice-7f3a');
  });
});
