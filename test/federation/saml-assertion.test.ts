/** S16–S30, S33, S34: what a genuine signature says, and to whom, when, and in answer to what. */
import t from 'tap';
import { isRefusal } from '../../src/federation/connector.ts';
import { readAssertion } from '../../src/federation/saml/assertion.ts';
import { serviceProviderOf } from '../../src/federation/saml/saml.ts';
import { addSeconds, day, hour } from '../../src/kernel/time.ts';
import { attempt, makeSamlConnection, openSamlCase, outcomeOf, verifyXml } from '../support/saml-case.ts';
import { type Edit, makeResponse, type Making, nameIdFormats, type Says } from '../support/saml-idp.ts';
import { inEachMode, modes } from '../support/saml-modes.ts';
import { assertionOf } from '../support/saml-wrapping.ts';

t.test('what an assertion says', async (t) => {
  const saml = await openSamlCase(t);
  const { ctx, idp, to } = saml;
  const from = (seconds: number) => addSeconds(ctx.now(), seconds);
  const elsewhere = 'https://login.vendor.test/federation/con_other/acs';

  const saying = (says: Partial<Says>): Making => ({ says });
  const assertion = (edit: Edit): Making => ({ assertion: edit });
  const inNameId = (inside: string) => assertion((xml) => xml.replace('alice-7f3a', inside));
  const insteadOf = (before: string | RegExp, after: string) =>
    assertion((xml) => xml.replace(before, after));
  const subject = 'https://idp.acme.test/metadata';

  const refused: readonly (readonly [name: string, code: string, making: () => Making])[] = [
    ['S16: a comment in the NameID', 'saml_malformed', () => inNameId('ceo@acme.test<!--x-->.evil.test')],
    [
      'S16: an empty comment in the NameID',
      'saml_malformed',
      () => inNameId('ceo@acme.test<!---->.evil.test'),
    ],
    [
      'S16: a comment in an attribute',
      'saml_malformed',
      () => insteadOf('alice@acme.test', 'ceo@acme.test<!--x-->.evil'),
    ],
    ['S17: a processing instruction in the NameID', 'saml_pi', () => inNameId('<?x alice-7f3a?>')],
    ['SA-08: a CDATA section in the NameID', 'saml_malformed', () => inNameId('<![CDATA[alice-7f3a]]>')],
    [
      'SA-08: an entity of its own in the NameID',
      'saml_malformed',
      () => ({ then: (xml) => xml.replace('alice-7f3a', '&alice;') }),
    ],
    ['S18: an element in the NameID', 'saml_subject', () => inNameId('ceo@acme.test<x>.evil.test</x>')],
    [
      'S19: two NameIDs',
      'saml_subject',
      () => insteadOf(/<saml:NameID.*?<\/saml:NameID>/, '$&<saml:NameID>mallory</saml:NameID>'),
    ],
    [
      'S20: no NameID, and an attribute of that name',
      'saml_subject',
      () => saying({ nameId: undefined, attributes: [['nameID', 'mallory']] }),
    ],
    [
      'S20: an attribute __proto__',
      'saml_attributes',
      () => saying({ attributes: [['__proto__', 'mallory']] }),
    ],
    ['S21: another audience', 'saml_audience', () => saying({ audiences: [['https://other.test']] })],
    ['S21: no audience at all', 'saml_audience', () => saying({ audiences: [] })],
    ['S21: a restriction without an audience', 'saml_audience', () => saying({ audiences: [[]] })],
    [
      'S21: a second restriction to somebody else',
      'saml_audience',
      () => saying({ audiences: [[to.entityId], ['https://other.test']] }),
    ],
    [
      'S21: an audience that only begins like us',
      'saml_audience',
      () => saying({ audiences: [[`${to.entityId}/`]] }),
    ],
    ['S21: no Conditions', 'saml_audience', () => insteadOf(/<saml:Conditions.*<\/saml:Conditions>/, '')],
    [
      'SA-04: a condition that nobody understands',
      'saml_audience',
      () => insteadOf('</saml:Conditions>', '<saml:Condition/>$&'),
    ],
    ['S22: another Recipient', 'saml_recipient', () => saying({ recipient: elsewhere })],
    ['S22: no Recipient', 'saml_recipient', () => saying({ recipient: undefined })],
    ['S23: another Destination', 'saml_destination', () => saying({ destination: elsewhere })],
    ['S24: another issuer of the assertion', 'saml_issuer', () => saying({ issuer: 'https://evil.test' })],
    [
      'S24: another issuer of the Response',
      'saml_issuer',
      () => saying({ responseIssuer: 'https://evil.test' }),
    ],
    [
      'S24: no issuer of the assertion',
      'saml_issuer',
      () => insteadOf(/<saml:Issuer>.*?<\/saml:Issuer>/, '<saml:Issuer/>'),
    ],
    [
      'S25: a status that is no success, with an assertion',
      'saml_status',
      () => saying({ status: 'urn:oasis:names:tc:SAML:2.0:status:AuthnFailed' }),
    ],
    ['S26: expired conditions', 'saml_time', () => saying({ notOnOrAfter: from(-70) })],
    ['S26: conditions that are yet to come', 'saml_time', () => saying({ notBefore: from(70) })],
    ['S26: no end of the conditions', 'saml_time', () => saying({ notOnOrAfter: undefined })],
    ['S26: ten years', 'saml_time', () => saying({ notOnOrAfter: from(10 * 365 * day) })],
    ['S26: an expired confirmation', 'saml_time', () => saying({ confirmationEnd: from(-70) })],
    ['S26: no end of the confirmation', 'saml_time', () => saying({ confirmationEnd: undefined })],
    [
      'SA-03: a confirmation that begins later',
      'saml_time',
      () => saying({ confirmationNotBefore: from(-70) }),
    ],
    ['S26: issued in the future', 'saml_time', () => saying({ issuedAt: from(70) })],
    [
      'S26: issued too long ago, whatever it says of its end',
      'saml_time',
      () => saying({ issuedAt: from(-11 * 60 - 5), notOnOrAfter: from(hour), confirmationEnd: from(hour) }),
    ],
    ['SA-12: a proof of the future', 'saml_time', () => saying({ provenAt: from(70) })],
    ['SA-12: a session that has ended', 'saml_time', () => saying({ sessionEnd: from(-70) })],
    [
      'SA-12: a time without a zone',
      'saml_time',
      () => insteadOf(/NotOnOrAfter="([^"]*)Z"/g, 'NotOnOrAfter="$1"'),
    ],
    [
      'SA-03: for the holder of a key',
      'saml_subject',
      () => saying({ method: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' }),
    ],
    [
      'SA-03: no confirmation',
      'saml_subject',
      () => insteadOf(/<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, ''),
    ],
    ['SA-03: no subject', 'saml_subject', () => insteadOf(/<saml:Subject>.*<\/saml:Subject>/, '')],
    [
      'no statement of a proof',
      'saml_statement',
      () => insteadOf(/<saml:AuthnStatement.*<\/saml:AuthnStatement>/, ''),
    ],
    ['no time of the proof', 'saml_time', () => saying({ provenAt: undefined })],
    ['version 1.1', 'saml_malformed', () => saying({ version: '1.1' })],
    [
      'an attribute that stands twice',
      'saml_attributes',
      () =>
        saying({
          attributes: [
            ['email', 'a@acme.test'],
            ['email', 'b@acme.test'],
          ],
        }),
    ],
    [
      'an attribute that only others can read',
      'saml_attributes',
      () => insteadOf('</saml:AttributeStatement>', '<saml:EncryptedAttribute Name="x"/>$&'),
    ],
    ['an attribute without a name', 'saml_attributes', () => saying({ attributes: [['', 'a']] })],
    [
      'more values than anybody has groups',
      'saml_attributes',
      () => saying({ attributes: [['groups', ...Array.from({ length: 501 }, (_, at) => `g${at}`)]] }),
    ],
    ['a transient NameID', 'saml_subject', () => saying({ nameIdFormat: nameIdFormats.transient })],
    ['a NameID with blanks around it', 'saml_subject', () => saying({ nameId: ' alice-7f3a' })],
    ['a NameID with a control character', 'saml_subject', () => saying({ nameId: 'alice\u0085' })],
    ['an empty NameID', 'saml_subject', () => saying({ nameId: '' })],
    ['a NameID longer than any', 'saml_subject', () => saying({ nameId: 'a'.repeat(256) })],
    [
      'S27: an answer to another request',
      'saml_in_response_to',
      () => saying({ inResponseTo: '_other', confirms: '_other' }),
    ],
    [
      'S28: an answer to this request only on the Response',
      'saml_in_response_to',
      () => saying({ confirms: undefined }),
    ],
    ['S28: a confirmation for another request', 'saml_in_response_to', () => saying({ confirms: '_other' })],
    [
      'S30: a Response that does not say what it answers',
      'saml_in_response_to',
      () => ({ then: (xml) => xml.replace(/ InResponseTo="[^"]*"/, '') }),
    ],
  ];
  for (const [name, expected, making] of refused)
    t.test(`${name}: refused`, (t) => inEachMode(t, saml, { expected, making: making() }));

  t.test('a Response that is signed says where it was sent; one that is not need not', async (t) => {
    const making = saying({ destination: undefined });
    await inEachMode(t, saml, { expected: 'saml_destination', making, signs: ['response', 'both'] });
    await inEachMode(t, saml, { expected: 'taken: alice-7f3a', making, signs: ['assertion'] });
  });

  t.test('SA-04: the audience is asked here as well, whatever the library has asked', async (t) => {
    const question = {
      xml: '',
      now: ctx.now(),
      serviceProvider: to,
      settings: saml.connection.settings,
      certificates: [],
      requestId: undefined,
      provenAfter: undefined,
      decryptionKeys: [],
    };
    const signed = async (making: Making) => assertionOf(await makeResponse(idp, { to }, making));
    t.equal(readAssertion(await signed({}), question).identity.subject, 'alice-7f3a');
    for (const audiences of [[], [[]], [['https://other.test']], [[to.entityId], ['https://other.test']]]) {
      const xml = await signed(saying({ audiences }));
      t.throws(() => readAssertion(xml, question), { cause: { refused: 'saml_audience' } });
    }
  });

  t.test(
    'an envelope that is not one Response of version 2.0 is refused, though its assertion is good',
    async (t) => {
      const envelopes: Readonly<Record<string, Edit>> = {
        'another element': (xml) => xml.replaceAll('samlp:Response', 'samlp:LogoutResponse'),
        'another namespace': (xml) => xml.replace('SAML:2.0:protocol', 'SAML:1.0:protocol'),
        'another version': (xml) => xml.replace('Version="2.0"', 'Version="1.1"'),
        'no id': (xml) => xml.replace(/ ID="[^"]*"/, ''),
        'no status': (xml) => xml.replace(/<samlp:Status>.*<\/samlp:Status>/, ''),
        'two states': (xml) => xml.replace(/<samlp:Status>.*<\/samlp:Status>/, '$&$&'),
        'no assertion': (xml) => xml.replace(assertionOf(xml), ''),
        'its assertion in Extensions': (xml) =>
          xml.replace(assertionOf(xml), (assertion) => `<samlp:Extensions>${assertion}</samlp:Extensions>`),
        'a part that nobody knows': (xml) => xml.replace('<samlp:Status>', '<x/>$&'),
        'an issuer of another namespace': (xml) => xml.replace('<samlp:Status>', '<Issuer>x</Issuer>$&'),
      };
      for (const [name, then] of Object.entries(envelopes))
        t.equal(outcomeOf(await attempt(saml, { then })), 'saml_malformed', name);
    },
  );

  t.test('an assertion of a foreign namespace is refused', async (t) => {
    const foreign: Making = {
      assertion: (xml) =>
        xml
          .replaceAll('saml:', 'evil:')
          .replace('xmlns:saml', 'xmlns:evil')
          .replaceAll('SAML:2.0:assertion', 'x'),
    };
    await inEachMode(t, saml, { expected: 'saml_malformed', making: foreign });
  });

  t.test('an error of the identity provider, which it need not sign, is refused by its name', async (t) => {
    const making: Making = {
      says: { status: 'urn:oasis:names:tc:SAML:2.0:status:Responder' },
      sign: 'none',
      then: (xml) => xml.replace(assertionOf(xml), ''),
    };
    await inEachMode(t, saml, { expected: 'saml_status', making });
  });

  t.test(
    'S29: a stolen assertion that nobody asked for is refused in a Response to our own request',
    async (t) => {
      const stolen = assertionOf(await makeResponse(idp, { to }));
      const then: Edit = (xml) => xml.replace(assertionOf(xml), () => stolen);
      await inEachMode(t, saml, { expected: 'saml_in_response_to', making: { then }, signs: ['assertion'] });
      await inEachMode(t, saml, {
        expected: 'saml_in_response_to',
        making: { then },
        how: { settings: { idpInitiated: 'allow' } },
        signs: ['assertion'],
      });
    },
  );

  t.test('what nobody asked for is believed where the connection allows it, and nowhere else', async (t) => {
    for (const idpInitiated of ['off', 'restart'] as const)
      await inEachMode(t, saml, {
        expected: 'response_unexpected',
        making: {},
        how: { unsolicited: true, settings: { idpInitiated } },
      });
    const how = { unsolicited: true, settings: { idpInitiated: 'allow' as const } };
    await inEachMode(t, saml, { expected: 'taken: alice-7f3a', making: {}, how });
    const expected = 'saml_in_response_to';
    await inEachMode(t, saml, { expected, making: saying({ inResponseTo: '_some' }), how });
    await inEachMode(t, saml, { expected, making: saying({ confirms: '_some' }), how });
  });

  t.test('S33: the request of another connection is no request of this one', async (t) => {
    const requestId = '_a-request-of-another-connection-0000000000';
    for (const [signaturePolicy, sign] of modes) {
      const xml = await makeResponse(idp, { to, requestId }, { sign });
      const answer = await verifyXml(saml, xml, { settings: { signaturePolicy } });
      t.equal(outcomeOf(answer), 'saml_in_response_to');
    }
  });

  t.test(
    'S34: what is meant for another account is refused, though the identity provider is the same',
    async (t) => {
      const other = await makeSamlConnection(ctx, idp);
      const there = serviceProviderOf(ctx.config.issuer, other.id);
      const token = 'token-of-this-connection';
      for (const [signaturePolicy, sign] of modes) {
        const settings = { signaturePolicy };
        const xml = await makeResponse(idp, { to: there, requestId: `_${token}` }, { sign });
        t.equal(outcomeOf(await verifyXml(saml, xml, { ask: { token }, settings })), 'saml_destination');
      }
      // as an attacker would mend what is not signed
      const xml = await makeResponse(idp, { to: there, requestId: `_${token}` });
      const mended = xml.replace(there.acsUrl, to.acsUrl);
      t.equal(outcomeOf(await verifyXml(saml, mended, { ask: { token } })), 'saml_audience');
      const addressed = await makeResponse(
        idp,
        { to: there, requestId: `_${token}` },
        saying({ audiences: [[to.entityId, there.entityId]] }),
      );
      const readdressed = addressed.replace(there.acsUrl, to.acsUrl);
      t.equal(outcomeOf(await verifyXml(saml, readdressed, { ask: { token } })), 'saml_recipient');
    },
  );

  t.test('SA-12: clocks may differ by a minute', async (t) => {
    const edges: readonly Partial<Says>[] = [
      { notOnOrAfter: from(-50) },
      { notBefore: from(50) },
      { confirmationEnd: from(-50) },
      { issuedAt: from(50), provenAt: from(50) },
      { sessionEnd: from(-50) },
    ];
    for (const says of edges) await inEachMode(t, saml, { expected: 'taken: alice-7f3a', making: { says } });
  });

  t.test('a session or a context that is longer than any is left out, and never cut in two', async (t) => {
    const said = async (says: Partial<Says>) => {
      const answer = await attempt(saml, saying(says));
      return isRefusal(answer) ? answer : answer.identity;
    };
    const kept = await said({ sessionIndex: 's'.repeat(1000), contextClass: 'c'.repeat(1000) });
    t.match(kept, { sessionId: 's'.repeat(1000), acr: 'c'.repeat(1000) });
    const long = `${'x'.repeat(999)}\u{1F600}`;
    const left = await said({ sessionIndex: long, contextClass: long });
    t.match(left, { subject: 'alice-7f3a' });
    t.notOk('sessionId' in left);
    t.notOk('acr' in left);
  });

  t.test('a proof that was asked for again must be a new one', async (t) => {
    const memory = { notBefore: from(0).toISOString() };
    const old = await attempt(saml, saying({ provenAt: from(-70) }), { memory });
    t.equal(outcomeOf(old), 'saml_time');
    const fresh = await attempt(saml, saying({ provenAt: from(2) }), { memory });
    t.equal(outcomeOf(fresh), 'taken: alice-7f3a');
  });

  t.test('what was taken: the whole identity, and how long it could be used again', async (t) => {
    const sessionEnd = from(8 * hour);
    const notOnOrAfter = from(200);
    const provenAt = from(-10);
    const making = saying({
      sessionEnd,
      provenAt,
      notOnOrAfter,
      assertionId: '_the-id',
      nameId: 'Al & <ice>',
    });
    for (const [signaturePolicy, sign] of modes) {
      t.same(await attempt(saml, { ...making, sign }, { settings: { signaturePolicy } }), {
        identity: {
          issuer: subject,
          subject: 'Al & <ice>',
          attributes: {
            email: ['alice@acme.test'],
            groups: ['staff', 'support'],
            name_id: ['Al & <ice>'],
          },
          amr: [],
          authenticatedAt: provenAt.toISOString(),
          acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
          sessionId: '_session-1',
          sessionEndsAt: sessionEnd.toISOString(),
        },
        assertion: { id: '_the-id', expiresAt: addSeconds(notOnOrAfter, 60) },
      });
    }
  });

  t.test('an attribute called name_id does not stand in for the NameID', async (t) => {
    const answer = await attempt(saml, saying({ attributes: [['name_id', 'mallory']] }));
    t.same(isRefusal(answer) ? answer : answer.identity.attributes['name_id'], ['alice-7f3a']);
  });

  t.test('values that are elements, or very long, are left out', async (t) => {
    const answer = await attempt(saml, {
      says: {
        attributes: [
          ['photo', 'x'.repeat(1001)],
          ['mixed', 'a', 'b'],
        ],
      },
      assertion: (xml) => xml.replace('>a<', '>a<saml:NameID>c</saml:NameID><'),
    });
    t.match(isRefusal(answer) ? answer : answer.identity.attributes, { photo: [], mixed: ['b'] });
  });

  t.test('the key of a person: the NameID and who it is for, or an attribute', async (t) => {
    const keyOf = async (says: Partial<Says>, how = {}) => outcomeOf(await attempt(saml, { says }, how));
    const implied = { nameQualifier: idp.entityId, spNameQualifier: to.entityId };
    t.equal(await keyOf(implied), 'taken: alice-7f3a', 'what goes without saying makes no other key');
    t.equal(await keyOf({ nameQualifier: 'urn:q' }), 'taken: ["urn:q","","alice-7f3a"]');
    t.equal(await keyOf({ spNameQualifier: 'urn:q' }), 'taken: ["","urn:q","alice-7f3a"]');
    const lookalike = '["urn:q","","alice-7f3a"]';
    t.not(
      await keyOf({ nameId: lookalike }),
      `taken: ${lookalike}`,
      'nobody can choose the key of somebody else',
    );

    const settings = { subject: { from: 'attribute' as const, name: 'oid' } };
    const transient = { nameIdFormat: nameIdFormats.transient };
    const oid = (...values: string[]) => ({ ...transient, attributes: [['oid', ...values] as const] });
    t.equal(await keyOf(oid('0001'), { settings }), 'taken: 0001');
    for (const says of [oid(), oid('0001', '0002'), oid(' 0001'), { ...transient, attributes: [] }])
      t.equal(await keyOf(says, { settings }), 'saml_subject');
  });

  t.test("its clock is the service's alone", async (t) => {
    saml.advance(400 * day);
    await inEachMode(t, saml, { expected: 'taken: alice-7f3a', making: {} });
  });
});
