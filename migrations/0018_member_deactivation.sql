-- Somebody can be switched off in one account alone: what an account's admin decides stays in their account.
alter table memberships add column deactivated_at timestamptz;
