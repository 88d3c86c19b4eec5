-- Named sets of devices inside each other: site, building, flat. A parent is always of the same account; it is no foreign
-- key, because a restore writes the rows in any order.
create table device_groups (
    id bigint primary key,
    account_id bigint not null references accounts (id),
    parent_id bigint,
    name text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index device_groups_of_account on device_groups (account_id);
alter table devices add column group_id bigint references device_groups (id);
create index devices_of_group on devices (group_id) where group_id is not null;

-- All devices of an account, a few thousand at a time.
create index devices_in_order on devices (account_id, id) where removed_at is null;

-- What a person chose to see, and how: one short text each.
create table preferences (
    person_id bigint not null references accounts (id) on delete cascade,
    name text not null,
    value text not null,
    primary key (person_id, name)
);

-- One thing to do with many devices. It is proposed first, with what would become of each device, and begun once.
create table bulks (
    id bigint primary key,
    account_id bigint not null references accounts (id) on delete cascade,
    person_id bigint not null references accounts (id) on delete cascade,
    session_id bigint,
    token_id bigint,
    deed text not null,
    group_id bigint,
    state text not null check (state in ('making', 'proposed', 'running', 'over')),
    created_at bigint not null,
    begun_at bigint,
    ended_at bigint
);
create index bulks_running on bulks (id) where state = 'running';
create index bulks_of_person on bulks (person_id, id);

create table bulk_items (
    bulk_id bigint not null references bulks (id) on delete cascade,
    position bigint not null,
    device_id bigint not null,
    state text not null check (state in ('left', 'waiting', 'ordered', 'done', 'failed')),
    reason text,
    command_id bigint,
    primary key (bulk_id, position)
);
create index bulk_items_waiting on bulk_items (bulk_id, position) where state = 'waiting';
