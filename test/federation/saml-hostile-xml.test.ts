/** S36, S37, SA-13, SA-14: what is refused before anything reads it, and while it is read. bench/saml-hostile.ts has the times. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { attempt, openSamlCase, outcomeOf, verifyXml } from '../support/saml-case.ts';
import { samlConnector } from '../../src/federation/saml/saml.ts';
import { hostile } from '../support/saml-hostile.ts';
import { toForm } from '../support/saml-idp.ts';

t.test('hostile XML', async (t) => {
  const saml = await openSamlCase(t);

  for (const { name, expected, xml } of hostile())
    t.test(`${name}: refused`, async (t) => {
      t.equal(outcomeOf(await verifyXml(saml, xml)), expected);
    });

  t.test('what is no base64, or no UTF-8, is refused', async (t) => {
    const verify = (samlResponse: string) =>
      samlConnector.verify(saml.ctx, saml.connection, {
        response: { samlResponse },
        ask: { token: 'token', forceAuthn: false },
        memory: {},
      });
    const bytes = (...values: number[]) => Buffer.from(values).toString('base64');
    for (const text of [
      '',
      '%%%',
      'PHg+_-',
      `${' '.repeat(60_000)}!`,
      bytes(0x3c, 0xff, 0x3e),
      bytes(0xfe, 0xff, 0, 0x3c),
    ])
      t.equal(outcomeOf(await verify(text)), 'saml_malformed', text.slice(0, 10));
  });

  t.test('lines and spaces in the base64 are nothing', async (t) => {
    const answer = await attempt(saml, { then: (xml) => xml.replaceAll('><', '>\r\n<') });
    t.equal(outcomeOf(answer), 'saml_signature', 'but those in what was signed are');
  });

  t.test(
    'SA-14: so many wait for the thread and no more, and of one connection a third of them',
    async (t) => {
      const response = toForm(hostile()[0]?.xml ?? '');
      const ask = { token: 'token', forceAuthn: false };
      const verifyAll = async (each: number, ...connections: readonly string[]) => {
        const ids = connections.flatMap((name) => Array<string>(each).fill(name));
        const answers = await Promise.all(
          ids.map((name) => {
            const connection = { ...saml.connection, id: `con_${name}` as const };
            return samlConnector.verify(saml.ctx, connection, { response, ask, memory: {} });
          }),
        );
        const codes = answers.map(outcomeOf);
        const count = (code: string) => codes.filter((each) => each === code).length;
        return { read: count('saml_doctype'), refused: count('too_slow') };
      };
      t.strictSame(await verifyAll(110, 'a'), { read: 100, refused: 10 });
      t.strictSame(await verifyAll(110, 'a', 'b'), { read: 200, refused: 20 }, 'and another is not held up');
      const all = await verifyAll(80, 'a', 'b', 'c', 'd');
      t.strictSame(all, { read: 301, refused: 19 }, 'one at work and three hundred waiting');
    },
  );

  t.test('the libraries are not older than their known holes', async (t) => {
    const atLeast = { '@node-saml/node-saml': '5.1.0', 'xml-crypto': '6.0.1', '@xmldom/xmldom': '0.8.15' };
    const lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8'));
    for (const [name, least] of Object.entries(atLeast)) {
      const found = Object.entries<{ version: string }>(lock.packages).filter(([path]) =>
        path.endsWith(`node_modules/${name}`),
      );
      t.ok(found.length > 0, name);
      for (const [path, { version }] of found)
        t.ok(version.localeCompare(least, undefined, { numeric: true }) >= 0, `${path} ${version}`);
    }
  });
});
