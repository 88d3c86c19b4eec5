-- What an owner wants a person to do before a door opens from afar.
alter table devices add column never_open boolean not null default false;
alter table devices add column ask_again boolean not null default false;
alter table devices add column fresh_sign_in boolean not null default false;
-- When the person behind a session last gave their password; null: when it began.
alter table sessions add column proved_at bigint;
