-- Invitations: account, address, role, products. Whoever is invited is a user from then on (invited, with neither
-- credential nor membership), so that a seat can be kept for them; membership and seats are made when they accept.
create table invitations (
  id text primary key constraint invitations_id_check check (id like 'inv\_%'),
  account_id text not null constraint invitations_account_id_fkey references accounts,
  user_id text not null constraint invitations_user_id_fkey references users on delete cascade,
  -- where it was mailed; once the user has another address it is dead, or the old mailbox could still act as them
  email text collate "C" not null,
  role text not null constraint invitations_role_check check (role in ('admin', 'agent')),
  -- expired follows from the clock and is not stored
  state text not null default 'pending'
    constraint invitations_state_check check (state in ('pending', 'accepted', 'revoked')),
  token_hash bytea not null constraint invitations_token_hash_key unique,
  inviter text constraint invitations_inviter_check check (length(inviter) between 1 and 200),
  client_id text,
  locale text not null,
  created_at timestamptz not null,
  sent_at timestamptz not null,
  expires_at timestamptz not null,
  closed_at timestamptz,
  constraint invitations_account_id_key unique (account_id, id),
  constraint invitations_closed_check check ((state = 'pending') = (closed_at is null))
);
create unique index invitations_pending_key on invitations (account_id, user_id) where state = 'pending';
create index invitations_user_id_idx on invitations (user_id);

create table invitation_products (
  account_id text not null,
  invitation_id text not null,
  product_id text not null,
  constraint invitation_products_pkey primary key (invitation_id, product_id),
  constraint invitation_products_invitation_fkey foreign key (account_id, invitation_id)
    references invitations (account_id, id) on delete cascade,
  constraint invitation_products_subscription_fkey foreign key (account_id, product_id) references subscriptions
);

-- A seat that is kept for somebody who may take it until then; it counts as used.
create table seat_reservations (
  account_id text not null,
  product_id text not null,
  user_id text not null constraint seat_reservations_user_id_fkey references users on delete cascade,
  until timestamptz not null,
  constraint seat_reservations_pkey primary key (account_id, product_id, user_id),
  constraint seat_reservations_subscription_fkey foreign key (account_id, product_id) references subscriptions
);
create index seat_reservations_user_id_idx on seat_reservations (user_id);
