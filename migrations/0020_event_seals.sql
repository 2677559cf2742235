-- The trail is proven: seals over all events so far, each with the hash of the one before, so that an event that was
-- changed, taken away or slipped in later is found. And it is read by the admin interface, newest first, in pages by id.
create table event_seals (
  -- 1, 2, 3, …: of two replicas that seal at once, one makes the next
  number integer constraint event_seals_pkey primary key constraint event_seals_number_check check (number > 0),
  -- it covers every event up to this id that the seal before does not
  up_to_id text not null,
  event_count integer not null constraint event_seals_event_count_check check (event_count >= 0),
  -- null when nothing had happened
  last_event_id text,
  -- SHA-256, see src/core/audit/chain.ts
  hash bytea not null constraint event_seals_hash_check check (length(hash) = 32),
  sealed_at timestamptz not null,
  constraint event_seals_last_event_id_check check ((event_count = 0) = (last_event_id is null))
);
create trigger event_seals_append_only before update or delete or truncate on event_seals
  for each statement execute function refuse_event_change();

-- ids are ordered by time, so these serve a range of time as well
drop index events_account_id_idx;
drop index events_user_id_idx;
create index events_account_id_idx on events (account_id, id) where account_id is not null;
create index events_user_id_idx on events (user_id, id) where user_id is not null;
create index events_request_id_idx on events (request_id) where request_id is not null;
create index events_type_idx on events (type, id);
