-- Passwords as PHC strings (argon2id with its parameters), beside the user and not in it: a query for a person
-- can never carry a hash along by accident.
create table passwords (
  user_id text primary key constraint passwords_user_id_fkey references users on delete cascade,
  hash text not null constraint passwords_hash_check check (hash like '$%'),
  changed_at timestamptz not null
);
