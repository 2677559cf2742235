-- Identities that people bring themselves: of a social provider instead of an account's connection.
alter table identities
  alter column account_id drop not null,
  alter column connection_id drop not null,
  add column provider text constraint identities_provider_check
    check (provider in ('google', 'microsoft', 'linkedin', 'facebook', 'apple', 'github')),
  add column unlinked_at timestamptz,
  add constraint identities_source_check
    check ((connection_id is null) = (provider is not null) and (connection_id is null) = (account_id is null));
-- one that was unlinked keeps its place until it can no longer be brought back: nobody else may take it
create unique index identities_social_key on identities (provider, issuer, subject) where provider is not null;
create unique index identities_one_per_provider_key on identities (user_id, provider)
  where provider is not null and unlinked_at is null;

-- a browser on its way to a social provider
create table social_departures (
  -- of the `state`
  id_hash bytea primary key,
  provider text not null,
  browser_hash bytea not null,
  -- the interaction or invitation, nonce, verifier and what else the way back needs
  sealed text not null,
  -- what the provider has posted (form_post), until the browser comes for it with its cookie
  answer_sealed text,
  expires_at timestamptz not null
);
create index social_departures_expires_at_idx on social_departures (expires_at);

-- what providers have told of people, each heard once
create table heard_notifications (
  provider text not null,
  jti_hash bytea not null,
  expires_at timestamptz not null,
  constraint heard_notifications_pkey primary key (provider, jti_hash)
);
create index heard_notifications_expires_at_idx on heard_notifications (expires_at);
