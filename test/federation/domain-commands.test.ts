/** The domains of an account from a shell: `doorward domain …`, as processes of their own. */
import t from 'tap';
import { findClaim, findDomainOwner, parseDomainName } from '../../src/core/domains/domains.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { startApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { startResolvers } from '../support/domains.ts';
import { makeAccount } from '../support/make.ts';

t.test('doorward domain', async (t) => {
  const { env, servers, prove } = await startResolvers(t);
  const app = await startApp(t, { demo: false, env });
  const { db } = app.ctx;
  const acme = await makeAccount(app.ctx, { slug: 'acme' });
  const globex = await makeAccount(app.ctx, { slug: 'globex' });
  const domain = (...args: string[]) => doorward(app, 'domain', ...args);
  const claimOf = async (accountId: AccountId, text = 'acme.test') => {
    const name = parseDomainName(text);
    const claim = name && (await findClaim(db, { accountId, name }));
    if (!claim) throw new Error(`${text} is not claimed`);
    return claim;
  };

  t.test('a claim prints the record, and verifying looks for it', async (t) => {
    const claimed = await domain('claim', 'acme', 'ACME.test');
    t.equal(claimed.code, 0, claimed.errors);
    const { id, challenge } = await claimOf(acme);
    const record = `_doorward-challenge.acme.test.  TXT  "doorward-verification=${challenge}"`;
    t.match(claimed.output, record);
    t.equal((await domain('claim', 'acme', 'acme.test')).output, claimed.output, 'the same again');
    const early = await domain('verify', 'acme', 'acme.test');
    t.same({ code: early.code, output: early.output }, { code: 1, output: '' });
    t.match(early.errors, record, 'says what is missing');

    prove(await claimOf(acme));
    t.equal((await domain('verify', 'acme', 'acme.test')).code, 0);
    t.match(await findDomainOwner(db, 'acme.test'), { id, state: 'verified' });
    t.equal((await domain('include-subdomains', 'acme', 'acme.test')).code, 0);
    t.match(await findDomainOwner(db, 'eu.acme.test'), { id });
    t.match((await domain('list', 'acme')).output, /^acme\.test: verified, with subdomains\n$/);
    t.equal((await domain('exclude-subdomains', 'acme', 'acme.test')).code, 0);
    t.equal(await findDomainOwner(db, 'eu.acme.test'), undefined);
  });

  t.test('a dispute is decided, and at last the domain is given up', async (t) => {
    await domain('claim', 'globex', 'acme.test');
    prove(await claimOf(acme), await claimOf(globex));
    t.match((await domain('verify', 'globex', 'acme.test')).output, /^acme\.test: disputed/);
    t.equal((await domain('refuse', 'globex', 'acme.test', '--yes')).code, 0);
    t.match(await findDomainOwner(db, 'acme.test'), { accountId: acme, state: 'verified' });

    await domain('claim', 'globex', 'acme.test');
    prove(await claimOf(globex));
    await domain('verify', 'globex', 'acme.test');
    t.equal((await domain('transfer', 'globex', 'acme.test', '--yes')).code, 0);
    t.match(await findDomainOwner(db, 'acme.test'), { accountId: globex, state: 'stale' });
    t.equal((await domain('resume', 'globex', 'acme.test')).code, 0);
    t.match(await findDomainOwner(db, 'acme.test'), { accountId: globex, state: 'verified' });
    t.equal((await domain('release', 'globex', 'acme.test', '--yes')).code, 0);
    t.equal(await findDomainOwner(db, 'acme.test'), undefined);
  });

  t.test('what cannot be done is said, in one line and without a stack', async (t) => {
    const refused: Record<string, string[]> = {
      'no such account': ['claim', 'nowhere', 'other.test'],
      'a public suffix': ['claim', 'acme', 'co.uk'],
      'a free-mail provider': ['claim', 'acme', 'gmail.com'],
      'nothing claimed': ['verify', 'acme', 'other.test'],
      'no dispute': ['transfer', 'acme', 'claimed.test', '--yes'],
      'nothing to resume': ['resume', 'acme', 'claimed.test'],
      'nothing proven': ['include-subdomains', 'acme', 'claimed.test'],
    };
    await domain('claim', 'acme', 'claimed.test');
    const misused: Record<string, string[]> = {
      'no name': ['claim', 'acme'],
      'one word too many': ['list', 'acme', 'acme.test'],
      'nobody there to say yes': ['release', 'acme', 'claimed.test'],
    };
    for (const [why, args] of Object.entries({ ...refused, ...misused })) {
      const { code, output, errors } = await domain(...args);
      t.same({ code, output }, { code: why in misused ? 2 : 1, output: '' }, why);
      t.notMatch(errors, /\n {4}at /, why);
    }
    t.equal((await domain('claimed')).code, 2, 'no such command');
  });

  t.test(
    'FD-08: of two processes that verify one domain for two accounts at once, one gets it',
    async (t) => {
      for (const name of ['raced.test', 'again.test', 'once-more.test']) {
        for (const slug of ['acme', 'globex']) t.equal((await domain('claim', slug, name)).code, 0);
        prove(await claimOf(acme, name), await claimOf(globex, name));
        for (const server of servers) server.gather(2);
        const both = await Promise.all(['acme', 'globex'].map((slug) => domain('verify', slug, name)));
        for (const { code, errors } of both) t.equal(code, 0, errors);
        const states = [await claimOf(acme, name), await claimOf(globex, name)].map(({ state }) => state);
        t.same(states.sort(), ['disputed', 'verified'], name);
      }
    },
  );
});
