-- Email domains an account has proven, and the enterprise identity providers its people come from.
create table domains (
  id text primary key constraint domains_id_check check (id like 'dom\_%'),
  account_id text not null constraint domains_account_id_fkey references accounts,
  -- the A-label, as core/domains makes it
  name text collate "C" not null constraint domains_name_check check
    (name ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$' and length(name) <= 253),
  -- disputed: proven by this account while another one has it; an operator decides
  state text not null constraint domains_state_check
    check (state in ('pending', 'verified', 'stale', 'disputed', 'released')),
  -- stands in public DNS and is no secret
  challenge text not null,
  include_subdomains boolean not null default false,
  verified_at timestamptz,
  last_seen_at timestamptz,
  -- since when the record has been missing
  first_missed_at timestamptz,
  -- how often in a row it was missing
  misses integer not null default 0,
  -- after a transfer, until an operator lifts it: nobody is made or linked by this domain alone
  linking_suspended_at timestamptz,
  -- null for one that an operator vouches for: it is never looked up
  next_check_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint domains_account_id_key unique (account_id, id),
  constraint domains_verified_check check (state not in ('verified', 'stale') or verified_at is not null)
);
-- one owner; whoever proves it too becomes a dispute
create unique index domains_owner_key on domains (name) where state in ('verified', 'stale');
create unique index domains_claim_key on domains (account_id, name) where state <> 'released';
create index domains_next_check_idx on domains (next_check_at) where state in ('verified', 'stale');

create table connections (
  id text primary key constraint connections_id_check check (id like 'con\_%'),
  account_id text not null constraint connections_account_id_fkey references accounts,
  kind text not null constraint connections_kind_check check (kind in ('saml', 'oidc')),
  label text not null constraint connections_label_check check (length(label) between 1 and 100),
  state text not null default 'draft' constraint connections_state_check
    check (state in ('draft', 'tested', 'pilot', 'enabled', 'required', 'disabled')),
  -- what its admin decides, without secrets; its hash (with the secret's) is what a test passes for
  settings jsonb not null,
  mapping jsonb not null,
  settings_hash bytea not null,
  secret_sealed text,
  -- what the identity provider publishes of itself; refreshed without anybody's doing
  published jsonb not null,
  refresh_at timestamptz,
  refresh_error text constraint connections_refresh_error_check check (length(refresh_error) <= 500),
  tested_hash bytea,
  tested_at timestamptz,
  pilot_emails text[] not null default '{}',
  revision integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint connections_account_id_key unique (account_id, id),
  constraint connections_tested_check check ((tested_hash is null) = (tested_at is null))
);
create index connections_account_id_idx on connections (account_id);
create index connections_refresh_at_idx on connections (refresh_at) where refresh_at is not null;

-- a connection may only assert addresses in domains of its own account: both keys carry the account
create table connection_domains (
  account_id text not null,
  connection_id text not null,
  domain_id text not null,
  -- lower comes first
  priority integer not null default 0,
  -- only these addresses go this way, and before all others
  addresses text[],
  constraint connection_domains_pkey primary key (connection_id, domain_id),
  constraint connection_domains_connection_fkey foreign key (account_id, connection_id)
    references connections (account_id, id) on delete cascade,
  constraint connection_domains_domain_fkey foreign key (account_id, domain_id)
    references domains (account_id, id) on delete cascade
);
create index connection_domains_domain_id_idx on connection_domains (account_id, domain_id);

-- our own keys towards one identity provider, with the certificate it is given
create table connection_keys (
  id text primary key constraint connection_keys_id_check check (id like 'key\_%'),
  connection_id text not null constraint connection_keys_connection_id_fkey references connections on delete cascade,
  use text not null constraint connection_keys_use_check check (use in ('signing', 'encryption')),
  state text not null constraint connection_keys_state_check check (state in ('current', 'next')),
  certificate text not null,
  private_key_sealed text not null,
  -- of the certificate
  expires_at timestamptz not null,
  created_at timestamptz not null,
  constraint connection_keys_state_key unique (connection_id, use, state)
);

-- who keeps the password when the account requires its company sign-in
alter table memberships add column break_glass boolean not null default false,
  add constraint memberships_break_glass_check check (not break_glass or role = 'admin');
