-- For whom the numbers stand that a device tells with an action, as lists of it had them. Of a keypad's code it is the number
-- of the code and whose it is, never the code itself.
create table names (
    device_id bigint not null references devices (id) on delete cascade,
    -- 1: an authorization, 2: a code of the keypad
    kind bigint not null,
    number bigint not null,
    name text not null,
    told_at bigint not null,
    primary key (device_id, kind, number)
);
-- Who set off the last action, by name.
alter table device_states add column last_name text;
-- Whether there are names for it: who has none is not looked up, however much happens there.
alter table device_states add column has_names boolean not null default false;
