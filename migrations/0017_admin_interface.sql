-- What the admin interface needs beside what it shows: answers that are given again when a request is repeated because
-- its answer was lost, and whom at a customer to write to.
create table idempotency_keys (
  -- whose key it is: two callers may choose the same one
  caller text not null,
  key text not null constraint idempotency_keys_key_check check (length(key) between 1 and 255),
  -- SHA-256 of method, address and body: the same key for another request is refused
  request_hash bytea not null,
  -- sealed, because an answer may hold a secret that is shown once
  answer_sealed text,
  expires_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (caller, key)
);
create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);

-- [{ kind, name, email }]
alter table accounts add column contacts jsonb not null default '[]';
