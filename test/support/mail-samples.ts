/** One mail of every template: a template without its sample does not compile. */
import type { MailTemplates } from '../../src/core/outbox/outbox.ts';

export const mailSamples: { readonly [Template in keyof MailTemplates]: MailTemplates[Template] } = {
  seat_requested: {
    data: {
      person: 'Nora',
      personEmail: 'n@acme.test',
      product: 'Assist',
      account: 'Acme',
      requestId: 'srq_1',
      days: 7,
    },
    secrets: { token: 'tok' },
  },
  seat_granted: {
    data: { product: 'Assist', account: 'Acme', from: null, url: 'https://assist.test/sign-in' },
    secrets: undefined,
  },
  seat_refused: { data: { product: 'Assist', account: 'Acme' }, secrets: undefined },
  password_reset: { data: { minutes: 30 }, secrets: { token: 'a+b/c', code: '012345' } },
  password_reset_by_company: { data: { account: 'Globex' }, secrets: undefined },
  break_glass_used: { data: { person: 'Greg', account: 'Globex' }, secrets: undefined },
  identity_linked: { data: { account: 'Globex' }, secrets: undefined },
  certificate_expiring: {
    data: { account: 'Acme', connection: 'Entra', whose: 'idp', days: 7, date: '2026-12-24' },
    secrets: undefined,
  },
  sign_in_address_changed: {
    data: { account: 'Acme', connection: 'Entra', host: 'idp.acme.test' },
    secrets: undefined,
  },
  domain_disputed: { data: { account: 'Acme', domain: 'acme.test', owns: true }, secrets: undefined },
  domain_dispute_resolved: {
    data: { account: 'Acme', domain: 'acme.test', owns: false },
    secrets: undefined,
  },
  domain_stale: {
    data: {
      account: 'Acme',
      domain: 'acme.test',
      recordName: '_doorward-challenge.acme.test',
      recordValue: 'doorward-verification=00',
      days: 30,
    },
    secrets: undefined,
  },
  domain_released: { data: { account: 'Acme', domain: 'acme.test' }, secrets: undefined },
  link_code: {
    data: { provider: 'GitHub', external: 'octo', minutes: 10 },
    secrets: { code: '012345' },
  },
  social_identity_linked: { data: { provider: 'GitHub', external: 'octo@hub.test' }, secrets: undefined },
  social_identity_unlinked: {
    data: { provider: 'GitHub', external: 'octo@hub.test', days: 30 },
    secrets: undefined,
  },
  password_changed: { data: {}, secrets: undefined },
  invitation: {
    data: { account: 'Acme', inviter: 'Ada', products: ['Assist', 'Meet'], days: 7 },
    secrets: { token: 'tok' },
  },
};

/** The same with this text in every field that holds one; what is chosen from a few words is left. */
export function poisonedSample(
  template: string,
  poison: string,
): { data: object; secrets: object | undefined } {
  const { data, secrets } = mailSamples[template as 'password_reset'] as {
    data: object;
    secrets: object | undefined;
  };
  const chosen = new Set(['whose']);
  const poisoned = (members: object): object =>
    Object.fromEntries(
      Object.entries(members).map(([name, value]: [string, unknown]) => {
        if (Array.isArray(value)) return [name, [poison, poison]];
        return [name, typeof value === 'string' && !chosen.has(name) ? poison : value];
      }),
    );
  return { data: poisoned(data), secrets: secrets && poisoned(secrets) };
}
