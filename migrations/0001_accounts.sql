-- Customers and their people: who is billed, who the people are, and which role a person has where.
-- Emails are canonicalised by the application (kernel/email-address.ts), never by lower() or citext: the two
-- disagree on some letters, and an address that is two things to two layers is an account take-over.
create table accounts (
  id text primary key constraint accounts_id_check check (id like 'acc\_%'),
  slug text not null constraint accounts_slug_key unique
    constraint accounts_slug_check check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null constraint accounts_name_check check (length(name) between 1 and 200),
  status text not null default 'active'
    constraint accounts_status_check check (status in ('active', 'lapsed', 'suspended', 'closed')),
  expires_at timestamptz,
  grace_days integer not null default 0 constraint accounts_grace_days_check check (grace_days between 0 and 366),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table users (
  id text primary key constraint users_id_check check (id like 'usr\_%'),
  email text collate "C" not null constraint users_email_key unique
    constraint users_email_check check (email ~ '^[!-~]+@[!-~]+$' and email !~ '[A-Z]' and length(email) <= 254),
  email_verified_at timestamptz,
  name text constraint users_name_check check (length(name) between 1 and 200),
  locale text constraint users_locale_check check (length(locale) between 2 and 35),
  state text not null constraint users_state_check check (state in ('invited', 'active', 'deactivated')),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table memberships (
  account_id text not null constraint memberships_account_id_fkey references accounts,
  user_id text not null constraint memberships_user_id_fkey references users on delete cascade,
  role text not null constraint memberships_role_check check (role in ('admin', 'agent')),
  created_at timestamptz not null,
  constraint memberships_pkey primary key (account_id, user_id)
);
create index memberships_user_id_idx on memberships (user_id);
