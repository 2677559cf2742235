/** What the operations are grouped by, in the order of the document. */
export const tags = {
  Accounts: 'Customers: who is billed, and whether their people come in.',
  Products: 'What the vendor sells.',
  Clients: 'OAuth clients: product apps, services, operators.',
  Subscriptions: 'How many seats an account has bought of a product, from when, until when.',
  Users: 'The people of an account, and every person to operators.',
  Seats: 'Who may use which product, and who asks to.',
  Invitations: 'Who is asked to come in.',
  Domains: 'Email domains that an account has proven.',
  Connections: 'Single sign-on: the identity providers of an account.',
  'Sign-ins': 'Every try to sign in, and what came of it.',
  Events: 'The audit trail: who changed what, when, from where.',
  Diagnosis: 'Why somebody can or cannot sign in, without signing in.',
  Me: 'A person about themself.',
  Keys: 'The keys that sign tokens.',
  Outbox: 'Mails that wait, have gone, or were given up.',
} as const;

export type Tag = keyof typeof tags;
