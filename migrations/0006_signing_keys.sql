-- Token signing keys; the private half sealed (AEAD) and bound to its row. A key is published before it signs and
-- stays published after, so its state follows from the clock and is not stored.
create table signing_keys (
  kid text primary key,
  alg text not null constraint signing_keys_alg_check check (alg in ('ES256', 'RS256')),
  public_jwk jsonb not null,
  private_key_sealed text not null,
  publish_at timestamptz not null,
  activate_at timestamptz not null,
  retire_at timestamptz,
  constraint signing_keys_times_check
    check (publish_at <= activate_at and (retire_at is null or activate_at < retire_at))
);
