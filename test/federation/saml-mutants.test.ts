/**
 * SA-08: mutants of good responses, made by a generator. None may be taken for what it is not: a mutant that is taken
 * must carry the genuine identity, byte for byte, and every byte that was signed must still be there and be signed. What
 * remains is what no signature covers: the certificate that nobody reads, or what an unsigned Response says around it.
 */
import { DOMParser } from '@xmldom/xmldom';
import t from 'tap';
import { SignedXml } from 'xml-crypto';
import { isRefusal } from '../../src/federation/connector.ts';
import { attempt, openSamlCase, outcomeOf, verifyXml } from '../support/saml-case.ts';
import { makeIdpKey, makeResponse, xmlNames } from '../support/saml-idp.ts';
import { mutate, mutationKinds, randomOf } from '../support/saml-mutants.ts';

/** Of each kind, for each way to sign. */
const rounds = Number(process.env['MUTANT_ROUNDS'] ?? 6);
const seed = Number(process.env['MUTANT_SEED'] ?? Date.now() % 2 ** 31);

t.test(`mutants, MUTANT_SEED=${seed}`, async (t) => {
  const saml = await openSamlCase(t);
  const { idp, to } = saml;
  const ask = { token: 'the-one-request' };
  const stranger = makeIdpKey();
  const random = randomOf(seed);
  let total = 0;
  t.equal(outcomeOf(await attempt(saml)), 'taken: alice-7f3a');

  for (const sign of ['assertion', 'response', 'both'] as const) {
    const genuine = await makeResponse(idp, { to, requestId: `_${ask.token}` }, { sign });
    const taken = await verifyXml(saml, genuine, { ask });
    let refused = 0;
    let harmless = 0;
    for (const kind of mutationKinds) {
      for (let round = 0; round < rounds; round += 1) {
        const { xml } = mutate(genuine, { kind, random, stranger });
        if (xml === genuine) continue;
        const answer = await verifyXml(saml, xml, { ask });
        if (isRefusal(answer)) {
          refused += 1;
          continue;
        }
        harmless += 1;
        t.same(answer, taken, `${kind}: the genuine identity`);
        t.same(
          signedBytesOf(xml, sign),
          signedBytesOf(genuine, sign),
          `${kind}: nothing that was signed is changed`,
        );
      }
    }
    t.comment(`signed: ${sign}: ${refused} refused, ${harmless} differ in what no signature covers`);
    t.ok(refused > 5 * harmless, 'almost all of them are refused');
    total += refused;
  }
  t.ok(total >= 200, `${total} were refused`);
});

/** What the signature covers, in its canonical form: the element without the signature itself. */
function signedBytesOf(xml: string, sign: 'assertion' | 'response' | 'both'): string {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  const name = sign === 'assertion' ? 'Assertion' : 'Response';
  const [element] = Array.from(document.getElementsByTagNameNS('*', name));
  if (!element) throw new Error(`no ${name}`);
  return new SignedXml().getCanonXml([xmlNames.enveloped, xmlNames.exclusive], element);
}
