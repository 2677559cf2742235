-- What delivering mail needs to know: until when a mail is worth sending (a reset link must never arrive after it has
-- died), when it went out, and why the last try failed. What is secret in a mail (its token, its code) is sealed apart
-- from the rest and wiped when the mail has gone.
alter table mail_outbox
  add column secrets_sealed text,
  add column expires_at timestamptz,
  add column sent_at timestamptz,
  add column last_error text constraint mail_outbox_last_error_check check (length(last_error) <= 500),
  add constraint mail_outbox_sent_check check ((state = 'sent') = (sent_at is not null)),
  add constraint mail_outbox_secrets_check check (state = 'pending' or secrets_sealed is null);
