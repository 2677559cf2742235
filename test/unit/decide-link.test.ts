/** The machine of account linking up to the proof: a table, and every combination of facts against its invariants. */
import t from 'tap';
import { decideLink, type LinkFacts } from '../../src/core/linking/linking.ts';
import type { EmailAddress } from '../../src/kernel/email-address.ts';

const email = 'ada@acme.test' as EmailAddress;
const proven = { id: 'usr_ada', state: 'active', isEmailProven: true } as const;
const invited = { id: 'usr_ines', state: 'invited', isEmailProven: false } as const;

/** Somebody nobody knows, whose provider has once seen that the address is theirs. */
const facts: LinkFacts = {
  known: undefined,
  email,
  emailTrust: 'verified_once',
  emailProven: false,
  requiresCompany: false,
  user: undefined,
  isSignUpOpen: false,
};

t.test('what becomes of a social identity', async (t) => {
  const table: readonly [what: string, but: Partial<LinkFacts>, does: string][] = [
    ['known', { known: { userId: 'usr_ada', requiresCompany: false } }, 'sign_in'],
    ['known, of a required domain', { known: { userId: 'usr_ada', requiresCompany: true } }, 'go_to_company'],
    ['no address', { email: undefined }, 'ask_for_email'],
    ['an address of a required domain', { requiresCompany: true, user: proven }, 'go_to_company'],
    ['an address anybody could claim', { emailTrust: 'none', user: proven }, 'prove_email'],
    ['…of nobody', { emailTrust: 'none' }, 'prove_email'],
    [
      '…proven, of an existing user',
      { emailTrust: 'none', emailProven: true, user: proven },
      'sign_in_to_link',
    ],
    ['L01 an existing user', { user: proven }, 'sign_in_to_link'],
    [
      'L01 an existing user, the provider runs the mailbox',
      { emailTrust: 'authoritative', user: proven },
      'sign_in_to_link',
    ],
    ['a user who is switched off', { user: { ...invited, state: 'deactivated' } }, 'sign_in_to_link'],
    ['somebody invited', { user: invited, emailTrust: 'authoritative' }, 'prove_email'],
    ['somebody invited who has proven the mailbox', { user: invited, emailProven: true }, 'claim'],
    [
      'somebody whose address nobody has proven',
      { user: { ...proven, isEmailProven: false }, emailProven: true },
      'claim',
    ],
    ['nobody, sign-up closed', {}, 'refuse'],
    ['nobody, sign-up open', { isSignUpOpen: true }, 'prove_email'],
    [
      'nobody, sign-up open, the provider runs the mailbox',
      { isSignUpOpen: true, emailTrust: 'authoritative' },
      'create',
    ],
    ['nobody, sign-up open, proven', { isSignUpOpen: true, emailProven: true }, 'create'],
  ];
  for (const [what, but, does] of table) t.equal(decideLink({ ...facts, ...but }).does, does, what);
});

t.test('over all combinations: no user is reached without their proof, nor said to be there', async (t) => {
  const booleans = [false, true];
  const users = [
    undefined,
    ...(['invited', 'active', 'deactivated'] as const).flatMap((state) =>
      booleans.map((isEmailProven) => ({ id: 'usr_ada', state, isEmailProven }) as const),
    ),
  ];
  let combinations = 0;
  for (const user of users)
    for (const address of [undefined, email])
      for (const emailTrust of ['authoritative', 'verified_once', 'none'] as const)
        for (const emailProven of booleans)
          for (const requiresCompany of booleans)
            for (const isSignUpOpen of booleans) {
              combinations += 1;
              const world = { user, email: address, emailTrust, emailProven, requiresCompany, isSignUpOpen };
              const { does } = decideLink({ known: undefined, ...world });
              t.not(does, 'sign_in', 'nobody unknown is signed in');
              if (does === 'claim')
                t.ok(emailProven && user && !user.isEmailProven && user.state !== 'deactivated');
              if (does === 'create')
                t.ok(!user && isSignUpOpen && (emailProven || emailTrust === 'authoritative'));
              if (requiresCompany) t.ok(['go_to_company', 'ask_for_email'].includes(does));
              if (emailTrust === 'none' && !emailProven) {
                const stranger = decideLink({ known: undefined, ...world, user: undefined });
                t.equal(does, stranger.does, 'who has proven nothing learns nothing of a user');
              }
            }
  t.equal(combinations, 7 * 2 * 3 * 2 * 2 * 2);
});
