import { inTransaction } from '../../src/context.ts';
import { listOwnIdentities } from '../../src/core/identities/identities.ts';
import { linkOwnIdentity, removeIdentity } from '../../src/core/linking/linking.ts';
import { Agent } from './agent.ts';
import type { TestApp } from './app.ts';
import { comeHome, leaveForCompany } from './company.ts';
import { makeCompany, postResponse, requestIdOf, respond } from './company-account.ts';
import { makeMember, makeUser } from './make.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from './relying-party.ts';

/** Makes everything happen that a company sign-in can: people come, change their address and role, and are refused. */
export async function driveCompanySignIns(app: TestApp): Promise<void> {
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const company = await makeCompany(app, {
    domain: 'driven.test',
    state: 'required',
    mapping: { groups: 'groups', roles: { chiefs: 'admin' }, roleCeiling: 'admin' },
  });
  const come = async (email: string, { groups = ['staff'], isSigned = true } = {}) => {
    const browser = new Agent(issuer);
    const left = await leaveForCompany(browser, await toStep(browser, (await assist.start()).url), email);
    const says = {
      nameId: 'one-person',
      attributes: [
        ['email', email],
        ['groups', ...groups],
      ] as const,
    };
    const response = await respond(company, requestIdOf(left.json().location as string), {
      says,
      sign: isSigned ? 'assertion' : 'none',
    });
    await comeHome(browser, await postResponse(browser, company, response));
  };
  await come('first@driven.test');
  await come('married@driven.test', { groups: ['chiefs'] });
  await come('married@driven.test', { isSigned: false });
  const chief = await makeUser(ctx, { email: 'chief@driven.test' });
  await makeMember(ctx, chief.id, company.accountId, 'admin');
  await ctx.db.updateTable('memberships').set({ breakGlass: true }).where('userId', '=', chief.id).execute();
  const browser = new Agent(issuer);
  await submitPassword(browser, await toStep(browser, (await assist.start()).url), chief.email);
}

/** An identity that is linked by its person, and taken away by an operator. */
export async function driveLinks({ ctx }: TestApp): Promise<void> {
  const user = await makeUser(ctx);
  const evidence = [{ method: 'pwd', at: ctx.now().toISOString() }] as const;
  const identity = {
    provider: 'github',
    issuer: 'https://github.com/login/oauth',
    subject: 'driven',
  } as const;
  await linkOwnIdentity(ctx, {
    userId: user.id,
    evidence,
    identity: { ...identity, emailTrust: 'none', attributes: {}, amr: [] },
  });
  const [linked] = await listOwnIdentities(ctx.db, user.id);
  const identityId = linked?.id ?? '';
  await inTransaction(ctx, (tx) => removeIdentity(tx, { userId: user.id, identityId }));
}
