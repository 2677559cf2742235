-- What the protocol engine keeps. Every bearer value (session id, code, token, interaction and request uri) is
-- stored as its SHA-256 only, so that a stolen dump signs nobody in. No foreign keys from these hot, short-lived
-- rows. Fillfactors leave room for the updates in place.
create table sessions (
  id_hash bytea primary key,
  uid text not null constraint sessions_uid_key unique,
  user_id text,
  account_id text,
  evidence jsonb,
  payload jsonb not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
) with (fillfactor = 80);
create index sessions_user_id_idx on sessions (user_id) where user_id is not null;
create index sessions_expires_at_idx on sessions (expires_at);

create table grants (
  id text primary key,
  user_id text not null,
  client_id text not null,
  account_id text,
  payload jsonb not null,
  expires_at timestamptz not null
);
create index grants_user_id_idx on grants (user_id, client_id);
create index grants_expires_at_idx on grants (expires_at);

-- One row for a whole chain of rotations: the family is named by the first 22 characters of its tokens.
create table refresh_families (
  family_hash bytea primary key,
  grant_id text not null,
  current_hash bytea not null,
  previous_hash bytea,
  previous_until timestamptz,
  generation integer not null,
  payload jsonb not null,
  expires_at timestamptz not null
) with (fillfactor = 70);
create index refresh_families_grant_id_idx on refresh_families (grant_id);
create index refresh_families_expires_at_idx on refresh_families (expires_at);

create table interactions (
  id_hash bytea primary key,
  client_id text,
  payload jsonb not null,
  state jsonb,
  version integer not null default 1,
  finished_at timestamptz,
  expires_at timestamptz not null
) with (fillfactor = 70);
create index interactions_expires_at_idx on interactions (expires_at);

create table artifacts (
  model text not null constraint artifacts_model_check check (model in ('AccessToken', 'AuthorizationCode',
    'ClientCredentials', 'PushedAuthorizationRequest', 'ReplayDetection', 'RevokedAccessToken')),
  id_hash bytea not null,
  grant_id text,
  payload jsonb not null,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  constraint artifacts_pkey primary key (model, id_hash)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index artifacts_grant_id_idx on artifacts (grant_id) where grant_id is not null;
create index artifacts_expires_at_idx on artifacts (expires_at);
