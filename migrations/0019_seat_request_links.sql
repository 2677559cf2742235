-- The mail that asks for a seat carries a link, and each admin has their own: so the trail names who has decided. The
-- request also keeps which client the person came from, because that is where they go on when a seat was granted.
alter table seat_requests add column client_id text;
alter table seat_requests add constraint seat_requests_account_id_key unique (account_id, id);

create table seat_request_links (
  account_id text not null,
  request_id text not null,
  user_id text not null,
  -- where it was mailed; once the admin has another address it is dead, or the old mailbox could still act as them
  email text collate "C" not null,
  token_hash bytea not null constraint seat_request_links_token_hash_key unique,
  expires_at timestamptz not null,
  constraint seat_request_links_pkey primary key (request_id, user_id),
  constraint seat_request_links_request_fkey foreign key (account_id, request_id)
    references seat_requests (account_id, id) on delete cascade,
  constraint seat_request_links_membership_fkey foreign key (account_id, user_id)
    references memberships on delete cascade
);
create index seat_request_links_membership_idx on seat_request_links (account_id, user_id);
