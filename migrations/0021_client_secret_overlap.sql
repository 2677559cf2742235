-- A client's secret is changed without an hour in which it is locked out: until then the one before works beside it.
alter table clients
  add column previous_secret_hash bytea,
  add column previous_secret_until timestamptz,
  add constraint clients_previous_secret_check check
    ((previous_secret_hash is null) = (previous_secret_until is null)
      and (previous_secret_hash is null or secret_hash is not null));
