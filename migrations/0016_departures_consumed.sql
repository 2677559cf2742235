-- A departure that has come back is known until it expires: the back button must not look like an attack.
alter table departures add column consumed_at timestamptz;
