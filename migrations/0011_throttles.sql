-- Counts that slow guessing down, shared by every replica and kept over a restart. A bucket is an HMAC of what is counted
-- (an address, a browser, a network), so that this table names nobody, and a stranger's address is counted like any other.
create table throttles (
  bucket bytea constraint throttles_pkey primary key
    constraint throttles_bucket_check check (length(bucket) = 32),
  taken integer not null constraint throttles_taken_check check (taken >= 0),
  -- nothing can be taken before; null when nobody has to wait
  wait_until timestamptz,
  -- the count begins anew then
  ends_at timestamptz not null,
  -- when the audit trail last heard that something was refused
  told_at timestamptz
);
create index throttles_ends_at_idx on throttles (ends_at);
