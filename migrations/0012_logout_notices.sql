-- Back-channel logout as an outbox: which client must still be told that a session has ended. A person who signs out
-- does not wait for the clients, and a client that is down for a minute hears of it all the same. No foreign keys: a
-- notice to a client that is gone simply ends.
create table logout_notices (
  id text primary key constraint logout_notices_id_check check (id like 'lgn\_%'),
  client_id text not null,
  user_id text not null,
  sid text not null,
  state text not null default 'pending'
    constraint logout_notices_state_check check (state in ('pending', 'delivered', 'dead')),
  attempts integer not null default 0,
  last_error text constraint logout_notices_last_error_check check (length(last_error) <= 500),
  created_at timestamptz not null,
  next_attempt_at timestamptz not null,
  delivered_at timestamptz,
  constraint logout_notices_delivered_check check ((state = 'delivered') = (delivered_at is not null))
);
create index logout_notices_pending_idx on logout_notices (next_attempt_at) where state = 'pending';
