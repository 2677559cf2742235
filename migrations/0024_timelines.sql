-- Which timelines of the database were seen: one that was not tells a fail-over or a restore, which may have forgotten what was used last.

create table timelines (
  -- as the names of its WAL files begin: eight hexadecimal digits
  timeline text constraint timelines_pkey primary key,
  seen_at timestamptz not null
);
