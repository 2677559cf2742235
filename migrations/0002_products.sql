-- What the vendor sells, who bought how much of it, and who sits on it.
-- A seat points at its subscription and at a membership of the same account, so that no row of one account can
-- ever entitle a person of another.
create table products (
  id text primary key constraint products_id_check check (id like 'prd\_%'),
  slug text not null constraint products_slug_key unique
    constraint products_slug_check check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null constraint products_name_check check (length(name) between 1 and 200),
  resource text constraint products_resource_key unique,
  scopes text[] not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table subscriptions (
  account_id text not null constraint subscriptions_account_id_fkey references accounts,
  product_id text not null constraint subscriptions_product_id_fkey references products,
  seats integer not null constraint subscriptions_seats_check check (seats >= 0),
  starts_at timestamptz not null,
  expires_at timestamptz,
  grace_days integer not null default 0
    constraint subscriptions_grace_days_check check (grace_days between 0 and 366),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint subscriptions_pkey primary key (account_id, product_id),
  constraint subscriptions_dates_check check (expires_at is null or expires_at > starts_at)
);
create index subscriptions_product_id_idx on subscriptions (product_id);

create table seats (
  id text primary key constraint seats_id_check check (id like 'sea\_%'),
  account_id text not null,
  product_id text not null,
  user_id text not null,
  starts_at timestamptz not null,
  ends_at timestamptz,
  created_at timestamptz not null,
  constraint seats_holder_key unique (account_id, product_id, user_id),
  constraint seats_subscription_fkey foreign key (account_id, product_id) references subscriptions,
  constraint seats_membership_fkey foreign key (account_id, user_id) references memberships on delete cascade,
  constraint seats_dates_check check (ends_at is null or ends_at > starts_at)
);
create index seats_membership_idx on seats (account_id, user_id);

create table seat_requests (
  id text primary key constraint seat_requests_id_check check (id like 'srq\_%'),
  account_id text not null,
  product_id text not null,
  user_id text not null,
  state text not null default 'open'
    constraint seat_requests_state_check check (state in ('open', 'granted', 'refused')),
  case_id text not null,
  requested_at timestamptz not null,
  decided_at timestamptz,
  constraint seat_requests_subscription_fkey foreign key (account_id, product_id) references subscriptions,
  constraint seat_requests_membership_fkey foreign key (account_id, user_id)
    references memberships on delete cascade,
  constraint seat_requests_decided_check check ((state = 'open') = (decided_at is null))
);
-- One open request for a person and a product: pressing the button again is not a second mail.
create unique index seat_requests_open_key on seat_requests (account_id, product_id, user_id) where state = 'open';
