-- Who a person is at an identity provider, and the ways there and back: each one used once.
create table identities (
  id text primary key constraint identities_id_check check (id like 'idn\_%'),
  user_id text not null constraint identities_user_id_fkey references users on delete cascade,
  account_id text not null,
  connection_id text not null,
  issuer text not null constraint identities_issuer_check check (length(issuer) between 1 and 1000),
  subject text collate "C" not null constraint identities_subject_check check (length(subject) between 1 and 255),
  -- as last asserted; never what a user is found by
  email text,
  name text,
  -- how the link came to be: method, by whom, against which proof
  proof jsonb not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  constraint identities_external_key unique (connection_id, issuer, subject),
  constraint identities_connection_fkey foreign key (account_id, connection_id)
    references connections (account_id, id) on delete cascade
);
create index identities_user_id_idx on identities (user_id);

-- every sign-in by a connection, how far it came and what stopped it
create table connection_attempts (
  id text primary key constraint connection_attempts_id_check check (id like 'att\_%'),
  account_id text not null,
  connection_id text not null,
  purpose text not null constraint connection_attempts_purpose_check
    check (purpose in ('sign_in', 'test', 'unsolicited')),
  stage text not null constraint connection_attempts_stage_check
    check (stage in ('departure', 'response', 'browser', 'match', 'access', 'done')),
  outcome text not null default 'pending' constraint connection_attempts_outcome_check
    check (outcome in ('pending', 'passed', 'refused')),
  code text,
  case_id text,
  client_id text,
  user_id text,
  -- as mapped; no assertion, no token
  claims jsonb,
  ip inet,
  started_at timestamptz not null,
  updated_at timestamptz not null,
  constraint connection_attempts_connection_fkey foreign key (account_id, connection_id)
    references connections (account_id, id) on delete cascade,
  constraint connection_attempts_refused_check check ((outcome = 'refused') = (code is not null))
);
create index connection_attempts_connection_idx on connection_attempts (connection_id, started_at);
create index connection_attempts_account_idx on connection_attempts (account_id, started_at);
create index connection_attempts_case_id_idx on connection_attempts (case_id) where case_id is not null;

-- a browser on its way to an identity provider
create table departures (
  -- of the `state`, of the SAML request's id, or of a test's link
  id_hash bytea primary key,
  connection_id text not null constraint departures_connection_id_fkey references connections on delete cascade,
  revision integer not null,
  purpose text not null constraint departures_purpose_check check (purpose in ('sign_in', 'test')),
  attempt_id text not null,
  -- of the cookie of the browser that left
  browser_hash bytea not null,
  -- the interaction, nonce, verifier and what else the way back needs
  sealed text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index departures_expires_at_idx on departures (expires_at);

-- a verified identity on its way from the identity provider's post to the browser's own visit
create table arrivals (
  handle_hash bytea primary key,
  connection_id text not null constraint arrivals_connection_id_fkey references connections on delete cascade,
  purpose text not null constraint arrivals_purpose_check check (purpose in ('sign_in', 'test', 'unsolicited')),
  attempt_id text not null,
  browser_hash bytea not null,
  sealed text not null,
  expires_at timestamptz not null
);
create index arrivals_expires_at_idx on arrivals (expires_at);

-- assertions that were used, for as long as they could be used again
create table used_assertions (
  connection_id text not null constraint used_assertions_connection_id_fkey references connections on delete cascade,
  assertion_hash bytea not null,
  expires_at timestamptz not null,
  constraint used_assertions_pkey primary key (connection_id, assertion_hash)
);
create index used_assertions_expires_at_idx on used_assertions (expires_at);

-- links by which an admin tries a connection out in a browser
create table connection_tests (
  token_hash bytea primary key,
  connection_id text not null constraint connection_tests_connection_id_fkey references connections on delete cascade,
  settings_hash bytea not null,
  created_by text,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index connection_tests_expires_at_idx on connection_tests (expires_at);

-- what a grant was made on: a refresh outlives the session, and the question how it was proven stays
alter table grants add column evidence jsonb;
create index sessions_evidence_idx on sessions using gin (evidence jsonb_path_ops);
