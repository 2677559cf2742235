-- The audit trail and the mail outbox: both are written in the transaction of what they speak of.
create table events (
  id text primary key constraint events_id_check check (id like 'evt\_%'),
  type text not null,
  occurred_at timestamptz not null,
  actor_id text,
  user_id text,
  account_id text,
  client_id text,
  case_id text,
  request_id text,
  ip inet,
  details jsonb not null default '{}'
);
create index events_account_id_idx on events (account_id, occurred_at) where account_id is not null;
create index events_user_id_idx on events (user_id, occurred_at) where user_id is not null;
create index events_case_id_idx on events (case_id) where case_id is not null;

-- The trail can only grow. A thief with the application's login must not be able to tidy up.
create function refuse_event_change() returns trigger language plpgsql as $$
begin
  raise exception 'events are append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger events_append_only before update or delete or truncate on events
  for each statement execute function refuse_event_change();

create table mail_outbox (
  id text primary key constraint mail_outbox_id_check check (id like 'mail\_%'),
  template text not null,
  recipient text not null,
  locale text not null,
  data jsonb not null,
  state text not null default 'pending' constraint mail_outbox_state_check check (state in ('pending', 'sent', 'dead')),
  attempts integer not null default 0,
  created_at timestamptz not null,
  next_attempt_at timestamptz not null
);
create index mail_outbox_pending_idx on mail_outbox (next_attempt_at) where state = 'pending';
