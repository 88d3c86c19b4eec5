-- Whether a person gave the device its name; otherwise it is called what it calls itself.
alter table devices add column name_given boolean not null default true;
-- The part of a hub that its owner removed: 'lock' or 'opener'. It does not come back by itself.
alter table logins add column left_out text;

-- What spoke through a login and is none of the devices that the login brings, for its owner to add.
create table strangers (
    login_id bigint not null references logins (id) on delete cascade,
    nuki_id bigint not null,
    is_opener boolean not null,
    name text,
    model text,
    seen_at bigint not null,
    primary key (login_id, nuki_id, is_opener)
);
