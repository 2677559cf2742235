/**
 * Facebook as rehearsed: no ID token and no proof of an address, complaints in a format of its own, and questions only
 * with a proof of the app's secret. The paths begin with the version.
 */
import { createHmac } from 'node:crypto';
import { day } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { oidcClient } from './addresses.ts';
import { digitsOf } from './social-accounts.ts';
import { type Answer, type Dialect, emailIn, type Question } from './social-dialect.ts';

export const facebook: Dialect = {
  authorizeAt: ':version/dialog/oauth',
  tokenAt: ':version/oauth/access_token',
  documents: { ':version/me': tellOf },
  asksAgain: ({ auth_type: type }) => type === 'reauthenticate',
  cancelled: {
    error: 'access_denied',
    error_code: '200',
    error_description: 'Permissions error',
    error_reason: 'user_denied',
  },
  fragment: '#_=_',
  verifier: 'ignored',
  complain: (error) =>
    error === 'invalid_client'
      ? problem('Error validating client secret.', { type: 'OAuthException', code: 1 })
      : problem('Invalid verification code format.', { type: 'OAuthException', code: 100 }),
  tokensFor: async (_grant, { accessToken }) => ({
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: 60 * day,
  }),
};

/** Its own members of an error, and not RFC 6749's. */
function problem(message: string, kind: { readonly type: string; readonly code: number }): Answer {
  return { status: 400, body: { error: { message, ...kind, fbtrace_id: newToken().token } } };
}

/** Of a person only what was asked for, and the id. */
function tellOf({ query, headers, grantOf }: Question): Answer {
  const token = query.access_token ?? /^(?:Bearer|OAuth) ([\w-]+)$/i.exec(headers.authorization ?? '')?.[1];
  const grant = grantOf(token ?? '');
  if (token === undefined || !grant)
    return problem('Invalid OAuth access token.', { type: 'OAuthException', code: 190 });
  if (query.appsecret_proof !== createHmac('sha256', oidcClient.secret).update(token).digest('hex'))
    return problem('Invalid appsecret_proof provided in the API argument', {
      type: 'GraphMethodException',
      code: 100,
    });
  const { handle, name } = grant.account;
  const profile = { name, email: emailIn(grant)?.email };
  const asked = new Set((query.fields ?? 'name').split(','));
  const told = Object.entries(profile).filter(([field]) => asked.has(field));
  return { status: 200, body: { id: digitsOf(17, 'facebook', handle), ...Object.fromEntries(told) } };
}
