-- What is pruned is found by an index. Two tables have none that says which of their rows are over: few of the identities
-- are unlinked, and a place that was kept for somebody who never came stays behind.
create index identities_unlinked_at_idx on identities (unlinked_at) where unlinked_at is not null;
create index seat_reservations_until_idx on seat_reservations (until);
