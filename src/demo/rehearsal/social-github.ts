/**
 * GitHub as rehearsed: complaints with status 200, forms unless JSON is asked for, and nobody is answered who does not
 * name themself. The address of the profile is what somebody wants to be seen.
 */
import { hour } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import { digitsOf, hexOf } from './social-accounts.ts';
import {
  type Answer,
  type Dialect,
  emailIn,
  type Grant,
  type Question,
  scopesOf,
  type TokenError,
} from './social-dialect.ts';

export const github: Dialect = {
  authorizeAt: 'login/oauth/authorize',
  tokenAt: 'login/oauth/access_token',
  documents: { user: (question) => answerWith(question, profileOf), 'user/emails': listEmails },
  asksAgain: ({ prompt }) => prompt === 'select_account',
  issuerOf: (base) => `${base}/login/oauth`,
  cancelled: { error: 'access_denied', error_description: 'The user has denied your application access.' },
  verifier: 'checked',
  complain: (error) => ({ status: 200, body: { error: errors[error] } }),
  writesForms: true,
  tokensFor: async ({ query }, { accessToken }) => ({
    access_token: accessToken,
    token_type: 'bearer',
    scope: scopesOf(query).join(','),
    expires_in: 8 * hour,
    refresh_token: newToken().token,
  }),
};

const errors: Readonly<Record<TokenError, string>> = {
  invalid_client: 'incorrect_client_credentials',
  invalid_grant: 'bad_verification_code',
  unsupported_grant_type: 'unsupported_grant_type',
};

function answerWith({ headers, grantOf }: Question, of: (grant: Grant) => Answer): Answer {
  if (headers['user-agent'] === undefined) return problem(403, 'Request forbidden by administrative rules.');
  const token = /^(?:Bearer|token) ([\w-]+)$/i.exec(headers.authorization ?? '')?.[1];
  const grant = grantOf(token ?? '');
  return grant ? of(grant) : problem(401, 'Bad credentials');
}

function problem(status: number, message: string): Answer {
  return {
    status,
    body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) },
  };
}

function idOf({ handle }: Grant['account']): number {
  return Number(digitsOf(9, 'github', handle));
}

function loginOf({ handle }: Grant['account']): string {
  return `${handle.split('@', 1)[0] ?? ''}-${hexOf(4, 'github', handle)}`;
}

function profileOf({ account }: Grant): Answer {
  const profile = {
    login: loginOf(account),
    id: idOf(account),
    type: 'User',
    name: account.name,
    email: account.handle,
  };
  return { status: 200, body: profile };
}

/** The one for no replies stands beside the others; without the scope there is no such list. */
function listEmails(question: Question): Answer {
  return answerWith(question, (grant) => {
    const { account } = grant;
    const email = emailIn(grant, 'user:email');
    if (!scopesOf(grant.query).includes('user:email')) return problem(404, 'Not Found');
    const noReply = `${idOf(account)}+${loginOf(account)}@users.noreply.github.com`;
    const body = [
      ...(email
        ? [{ email: email.email, primary: true, verified: email.isVerified, visibility: 'private' }]
        : []),
      { email: noReply, primary: false, verified: true, visibility: null },
    ];
    return { status: 200, body };
  });
}
