/** What helps, for whoever looks at somebody else's sign-in. What helps against a denial is said in core/access. */
import { denialCodes, type DenialCode, explainDenial } from '../access/access.ts';
import type { Client } from '../clients/clients.ts';
import type { Advice, DoctorCode } from './diagnosis.ts';

const advice: Readonly<Record<Exclude<DoctorCode, DenialCode>, readonly Advice[]>> = {
  invalid_input: [{ who: 'self', text: 'Type the address again: this is none.' }],
  invalid_credentials: [
    { who: 'account_admin', text: 'Invite the person, or look for the address that they signed up with.' },
    { who: 'self', text: 'Whoever is here already sets a password with "Forgot your password?".' },
  ],
  throttled: [
    { who: 'self', text: 'Wait, or set a new password with "Forgot your password?": that ends it at once.' },
    { who: 'self', text: 'Or use a browser that has signed in with this address before.' },
  ],
  another_proof_needed: [
    { who: 'self', text: 'Sign in by the company of the account that is asked for, or with a password.' },
  ],
  social_sign_in_failed: [{ who: 'operator', text: 'Switch the provider on again in the settings.' }],
  domain_not_proven: [{ who: 'account_admin', text: 'Prove the domain by its record in the DNS.' }],
  connection_not_available: [
    { who: 'account_admin', text: 'Enable the connection, or put the address on the list of its pilot.' },
  ],
  idp_not_reachable: [
    {
      who: 'account_admin',
      text: 'Make the metadata of the identity provider reachable, or hand it over as a file.',
    },
  ],
  saml_certificate_expired: [
    {
      who: 'account_admin',
      text: 'Renew the certificate of the identity provider, and refresh its metadata.',
    },
  ],
  email_missing: [{ who: 'account_admin', text: 'Have the identity provider send the email address.' }],
  email_not_valid: [{ who: 'account_admin', text: 'Correct the email address at the identity provider.' }],
  domain_not_allowed: [
    { who: 'account_admin', text: 'Prove the domain of the address, and bind it to the connection.' },
  ],
  domain_stale: [
    { who: 'account_admin', text: 'Put the record of the domain back into the DNS.' },
    { who: 'operator', text: 'After a transfer of the domain, let it bring people in again.' },
  ],
  not_provisioned: [
    {
      who: 'account_admin',
      text: 'Invite the person, or let the connection bring in people who are not here yet.',
    },
  ],
  link_required: [
    { who: 'self', text: 'Sign in the way of before: the company does not speak for this user yet.' },
    { who: 'account_admin', text: 'Invite the person to the account.' },
  ],
  invalid_client: [{ who: 'operator', text: 'Check the client id: there is no such client.' }],
  invalid_redirect_uri: [{ who: 'operator', text: 'Register where the client takes its people back.' }],
  unauthorized_client: [
    { who: 'operator', text: 'Use a client for people: this one may not ask for an authorization code.' },
  ],
};

interface Denied {
  readonly client: Client | undefined;
  readonly account?: { readonly name: string } | undefined;
}

export function adviceOn(code: DoctorCode, { client, account }: Denied): readonly Advice[] {
  if (!isDenial(code)) return advice[code];
  return explainDenial(code, { client: client ?? { product: null, signUpUri: null }, account }).remedies;
}

function isDenial(code: DoctorCode): code is DenialCode {
  return (denialCodes as readonly string[]).includes(code);
}
