import { z } from 'zod';
import {
  type Advice,
  type Check,
  checkNames,
  diagnoseSignIn,
  type Diagnosis,
  type Verdict,
  type Way,
} from '../../core/doctor/doctor.ts';
import { type AnyOperation, reading } from './operation.ts';
import { shownId } from './schemas.ts';

const checkName = z.enum(checkNames);
const code = z
  .string()
  .meta({ description: 'The reason, by the name it has everywhere.', examples: ['no_seat'] });
const choice = z.strictObject({ id: shownId('acc'), name: z.string() });

const way = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('password') }),
  z.strictObject({
    kind: z.literal('company'),
    connection: z.strictObject({ id: shownId('con'), label: z.string() }),
  }),
  z.strictObject({ kind: z.literal('social'), provider: z.string().optional() }),
]);

const verdict = z
  .strictObject({
    outcome: z.enum(['allowed', 'choose_account', 'denied', 'cannot_prove']),
    way,
    code: code.optional(),
    account: choice.optional().meta({ description: 'Which they would enter, or are refused by.' }),
    accounts: z.array(choice).optional(),
    depends_on_groups: z
      .literal(true)
      .optional()
      .meta({ description: 'Role and seats follow groups that only the identity provider knows.' }),
  })
  .meta({ id: 'Verdict' });

const check = z
  .strictObject({
    name: checkName,
    status: z.enum(['passed', 'failed', 'warning', 'not_applicable']),
    code: code.optional(),
    evidence: z.record(z.string(), z.unknown()).meta({ examples: [{}] }),
    remedies: z.array(
      z.strictObject({
        who: z.enum(['self', 'account_admin', 'billing_contact', 'support', 'operator']),
        text: z.string(),
        action: z.string().optional(),
        href: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Check' });

const diagnosis = z
  .strictObject({
    verdict,
    first_failure: checkName.nullable().meta({ description: 'What stands in the way first.' }),
    checks: z.array(check),
    ways: z.array(verdict).meta({ description: 'What would happen by each way they have.' }),
  })
  .meta({ id: 'Diagnosis' });

function show({ verdict, firstFailure, checks, ways }: Diagnosis): z.output<typeof diagnosis> {
  return {
    verdict: showVerdict(verdict),
    first_failure: firstFailure ?? null,
    checks: checks.map(showCheck),
    ways: ways.map(showVerdict),
  };
}

function showVerdict({ outcome, way, code, account, accounts, dependsOnGroups }: Verdict) {
  return {
    outcome,
    way: showWay(way),
    ...(code !== undefined && { code }),
    ...(account && { account: { id: account.id, name: account.name } }),
    ...(accounts && { accounts: accounts.map(({ id, name }) => ({ id, name })) }),
    ...(dependsOnGroups && { depends_on_groups: dependsOnGroups }),
  };
}

function showWay(way: Way): z.output<typeof verdict>['way'] {
  if (way.kind !== 'company') return way;
  const { id, label } = way.connection;
  return { kind: 'company', connection: { id, label } };
}

function showCheck({ name, status, code, evidence, remedies }: Check) {
  return { name, status, ...(code !== undefined && { code }), evidence, remedies: remedies.map(showAdvice) };
}

function showAdvice({ who, text, action, href }: Advice) {
  return { who, text, ...(action !== undefined && { action }), ...(href !== undefined && { href }) };
}

export const diagnoseOperations: readonly AnyOperation[] = [
  reading({
    id: 'diagnose',
    method: 'POST',
    url: '/diagnose',
    tag: 'Diagnosis',
    summary: 'Find out why somebody can or cannot sign in',
    description:
      'Asks what a sign-in asks, in its order, without signing anybody in. An admin asks about the people of their account: whoever is not one of them reads like an address that nobody has.',
    access: { operator: 'admin:users:read', admin: 'by_token' },
    body: z.strictObject({
      email: z
        .string()
        .max(320)
        .meta({ examples: ['ada@acme.test'] }),
      client_id: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,100}$/)
        .meta({ examples: ['demo-assist'] }),
      account: z
        .string()
        .regex(/^[a-z0-9_-]{1,80}$/)
        .optional()
        .meta({ description: 'The account that the client asks for, by id or slug.', examples: ['acme'] }),
    }),
    answer: diagnosis,
    handler: async (ctx, { body: { email, client_id: clientId, account } }, { caller }) => {
      const within = caller.kind === 'person' ? caller.accountId : undefined;
      return show(
        await diagnoseSignIn(ctx.db, {
          email,
          clientId,
          account,
          within,
          config: ctx.config,
          now: ctx.now(),
        }),
      );
    },
  }),
];
