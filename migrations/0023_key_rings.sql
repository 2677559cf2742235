-- A new key of SECRET_KEYS or COOKIE_KEYS is used once every replica has it: who has which, and which are used since when.

create table key_holders (
  -- one process of the service; its row goes with it
  id text constraint key_holders_pkey primary key,
  -- the ids of the keys that it would use: the first of each list
  secret_key_id text not null,
  cookie_key_id text not null,
  -- by the clock of the database alone
  seen_at timestamptz not null
);

create table key_uses (
  ring text not null constraint key_uses_ring_check check (ring in ('secret', 'cookie')),
  key_id text not null,
  began_at timestamptz not null,
  -- null for the one that is used
  used_until timestamptz,
  -- of a secret key: when nothing was left that it had sealed
  emptied_at timestamptz,
  constraint key_uses_pkey primary key (ring, key_id),
  constraint key_uses_emptied_check check (emptied_at is null or used_until is not null)
);

create unique index key_uses_current_key on key_uses (ring) where used_until is null;
