/** Signing in, consent, and the token endpoint, while replicas die. */
import { obtainCode, post, refreshForm, userinfo } from '../provider/requests.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent, type Answer } from './agent.ts';
import { countRows, eventsOf, type Flow, insist, untilDone } from './crash-flow.ts';
import { signIn } from './relying-party.ts';
import { act, arrive, goOn, look, openTab, stepOf, typePassword } from './tab.ts';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

export const signInFlow: Flow = {
  name: 'signing in by password',
  async begin(world) {
    const person = await world.person();
    let token = '';
    return {
      async walk() {
        const { tokens } = await untilDone(() => signIn(new Agent(world.issuer), world.assist, person.email));
        token = tokens.access_token;
      },
      async check(t) {
        t.equal((await userinfo(world.issuer, token)).status, 200, 'I1: who was let in is in');
        const sessions = await countRows(world, 'sessions', person);
        t.equal(await eventsOf(world, person, 'user.signed_in'), sessions, 'I6: an event for each session');
      },
    };
  },
};

export const consentFlow: Flow = {
  name: 'consent',
  async begin(world) {
    const person = await world.person();
    const party = demoParty(world.issuer, 'third-party');
    const begin = async () => {
      const tab = await openTab(party, { face: 'application/json', extra: { prompt: 'consent' } });
      const asked = await goOn(tab, await typePassword(tab, person.email));
      return { ...tab, uid: new URL(asked.url).pathname.split('/').at(-1) ?? '' };
    };
    let tab = await begin();
    let tokens: { access_token: string } | undefined;
    return {
      async walk() {
        const agreed = await insist(() => act(tab, 'consent', { granted: 'true' }));
        try {
          tokens = await arrive(tab, agreed);
        } catch {
          // the way back was cut, or has been gone already
          tokens = await untilDone(async () => {
            tab = await begin();
            if (stepOf(await look(tab)) !== 'consent') throw new Error('consent was not asked for');
            return arrive(tab, await act(tab, 'consent', { granted: 'true' }));
          });
        }
      },
      async check(t) {
        t.equal((await userinfo(world.issuer, tokens?.access_token ?? '')).status, 200);
        t.equal(
          await eventsOf(world, person, 'user.signed_in'),
          await countRows(world, 'sessions', person),
          'I6: an event for each session',
        );
      },
    };
  },
};

export const codeFlow: Flow = {
  name: 'the exchange of a code',
  async begin(world) {
    const person = await world.person();
    const browser = new Agent(world.issuer);
    await signIn(browser, world.assist, person.email);
    const before = await countRows(world, 'grants', person);
    const { form } = await obtainCode(world.assist, { browser });
    const successes: Tokens[] = [];
    let last: Answer | undefined;
    return {
      async walk() {
        last = await insist(() => post(world.issuer, '/token', form));
        if (last.status === 200) successes.push(last.json() as Tokens);
        else await untilDone(() => signIn(browser, world.assist, person.email).catch(() => signInAgain()));
        async function signInAgain() {
          return signIn(new Agent(world.issuer), world.assist, person.email);
        }
      },
      async check(t) {
        t.ok(last?.status === 200 || last?.status === 400, `not done, or done: ${last?.status}`);
        const again = await post(world.issuer, '/token', form);
        t.equal(again.status, 400, 'I2: a code is good for one exchange');
        t.ok(successes.length <= 1);
        t.ok((await countRows(world, 'grants', person)) <= before + 2);
      },
    };
  },
};

export const refreshFlow: Flow = {
  name: 'the rotation of a refresh token',
  async begin(world) {
    const person = await world.person();
    const { tokens } = await signIn(new Agent(world.issuer), world.assist, person.email);
    let successor = '';
    return {
      async walk() {
        const answer = await insist(() => post(world.issuer, '/token', refreshForm(tokens.refresh_token)));
        if (answer.status !== 200) throw new Error(`OA-11: a lost reply was not given again: ${answer.text}`);
        successor = (answer.json() as Tokens).refresh_token;
      },
      async check(t) {
        t.not(successor, tokens.refresh_token, 'it was rotated');
        const families = await world.ctx.db
          .selectFrom('refreshFamilies')
          .innerJoin('grants', 'grants.id', 'refreshFamilies.grantId')
          .select('generation')
          .where('grants.userId', '=', person.id)
          .execute();
        t.same(families, [{ generation: 2 }], 'I2: one family, rotated once');
        t.equal((await post(world.issuer, '/token', refreshForm(successor))).status, 200);
      },
    };
  },
};
