-- Forgotten passwords. A request is stored for every address alike, and a job finds out later whether it is somebody's:
-- who asks learns nothing, not even by the clock. The address waits sealed and is wiped when the job has decided; what
-- stays of it is a keyed hash, by which the tries of a code are counted for unknown addresses like for known ones.
create table password_reset_requests (
  id text primary key constraint password_reset_requests_id_check check (id like 'prr\_%'),
  -- the browser that asked: only there can the code of the mail be typed
  handle_hash bytea not null,
  recipient_hash bytea not null,
  email_sealed text,
  client_id text,
  locale text not null,
  code_tries integer not null default 0
    constraint password_reset_requests_code_tries_check check (code_tries between 0 and 5),
  created_at timestamptz not null,
  decided_at timestamptz,
  constraint password_reset_requests_decided_check check ((decided_at is null) = (email_sealed is not null))
);
create index password_reset_requests_undecided_idx on password_reset_requests (created_at) where decided_at is null;
create index password_reset_requests_handle_hash_idx on password_reset_requests (handle_hash);
create index password_reset_requests_created_at_idx on password_reset_requests (created_at);

-- A mailed link and its code, good for one new password. The table is the purpose: no other token is looked up here, and
-- these are looked up nowhere else. `email` and `password_changed_at` are those of the user when it was issued; when
-- either has changed since, the token is dead.
create table password_resets (
  id text primary key constraint password_resets_id_check check (id like 'pwr\_%'),
  request_id text not null constraint password_resets_request_id_key unique
    constraint password_resets_request_id_fkey references password_reset_requests on delete cascade,
  user_id text not null constraint password_resets_user_id_fkey references users on delete cascade,
  email text collate "C" not null,
  password_changed_at timestamptz,
  token_hash bytea not null constraint password_resets_token_hash_key unique,
  -- six digits are few: keyed (HMAC) and bound to the row, or whoever has a dump could try them all
  code_hash bytea not null,
  -- the token of the browser in which the code was typed
  browser_token_hash bytea constraint password_resets_browser_token_hash_key unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz
);
create index password_resets_user_id_idx on password_resets (user_id);
create index password_resets_expires_at_idx on password_resets (expires_at);
