-- After how many minutes an open door of the account counts as left open; 0: never.
alter table accounts add column left_open_minutes bigint not null default 10;
