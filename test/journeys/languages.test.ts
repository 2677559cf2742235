/** The person's language on every page, English to every client; and no cache that mixes them up. */
import t, { type Test } from 'tap';
import { startApp } from '../support/app.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { demoClient, RelyingParty } from '../support/relying-party.ts';
import { act, goOn, look, openTab, typePassword } from '../support/tab.ts';

const languages = ['en', 'de', 'es', 'fr', 'ja'];

t.test('languages', async (t) => {
  const { issuer } = await startApp(t);

  for (const language of languages) {
    t.test(`${language}: pages without a sign-in follow the browser`, async (t) => {
      const headers = { 'accept-language': `${language}-XX, en;q=0.5` };
      const browser = new Agent(issuer, 'text/html');
      for (const path of [
        '/nothing',
        `/sign-in/${'a'.repeat(43)}`,
        '/authorize?client_id=nobody',
        '/logout',
        '/logout/success',
        '/password-resets/request',
        '/password-resets/new',
        '/invitations/accept',
        '/seat-requests/decide',
      ]) {
        inLanguage(t, await browser.send(path, { headers }), language, path);
      }
    });
  }

  t.test('what the client asks for goes before what the browser prefers, on the way out too', async (t) => {
    const browser = new Agent(issuer, 'text/html');
    const headers = { 'accept-language': 'de' };
    inLanguage(t, await browser.send('/logout?ui_locales=xx%20fr', { headers }), 'fr', '/logout');
    inLanguage(t, await browser.send('/logout?ui_locales=xx', { headers }), 'de', '/logout');
  });

  t.test('a denial is explained in the language of the sign-in, and to its client in English', async (t) => {
    const party = new RelyingParty(issuer, demoClient(issuer, 'meet'));
    const tab = await openTab(party, { face: 'application/json', extra: { ui_locales: 'ja' } });
    await typePassword(tab, 'ada@acme.test');
    const shown = await look(tab);
    const step = shown.json() as { locale: string; text: string; remedies: { text: string }[] };
    t.match(step, { step: 'denied', code: 'no_seat', locale: 'ja' });
    for (const text of [step.text, ...step.remedies.map((remedy) => remedy.text)]) {
      t.match(text, /[\u3040-\u30ff]/, 'has kana in it');
    }
    const back = await goOn(tab, await act(tab, 'abort'));
    const description = new URL(back.location ?? '').searchParams.get('error_description');
    t.match(description, /^no_seat: [ -~]+ no seat [ -~]+$/);
  });

  t.test('problems for programs stay English, and say what they depend on', async (t) => {
    const program = new Agent(issuer, 'application/json');
    const headers = { 'accept-language': 'ja' };
    for (const path of ['/nothing', `/sign-in/${'a'.repeat(43)}`]) {
      const [japanese, english] = [await program.send(path, { headers }), await program.get(path)];
      const { title } = japanese.json() as { title: string };
      t.equal(title, (english.json() as { title: string }).title);
      t.match(japanese.headers.get('vary'), /Accept, Accept-Language/);
    }
  });
});

function inLanguage(t: Test, answer: Answer, language: string, label: string): void {
  t.match(answer.text, `<html lang="${language}">`, label);
  t.equal(answer.headers.get('content-language'), language, label);
  const vary = (answer.headers.get('vary') ?? '').toLowerCase();
  t.ok(/\baccept-language\b/.test(vary), `${label}: ${vary}`);
}
