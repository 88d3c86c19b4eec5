-- The activity log: the big table. Rows are small, and every index is one that a page is read from.
create table activity (
    id bigint primary key,
    account_id bigint not null,
    device_id bigint not null,
    -- Where the entry stands in the log: the time it was received, unless the device told of it late.
    at bigint not null,
    received_at bigint not null,
    device_at bigint,
    -- 1: the device's clock is wrong by more than two minutes
    marks bigint not null default 0,
    action bigint not null,
    origin bigint not null,
    device_trigger bigint,
    -- The device's completion status; null while it has not given one.
    result bigint,
    auth_id bigint,
    code_id bigint,
    presses bigint,
    actor_id bigint,
    command_id bigint,
    -- What delivered it (packet id and digest). A delivery that says it may be a repetition is looked for here, among
    -- the device's last entries, before anything is written.
    delivered_by bytea
);
create index activity_newest on activity (account_id, at desc, id desc);
create index activity_of_device on activity (account_id, device_id, at desc, id desc);
create index activity_of_auth on activity (account_id, auth_id, at desc, id desc) where auth_id is not null;
create index activity_of_action on activity (account_id, action, at desc, id desc);
create index activity_of_code on activity (account_id, code_id, at desc, id desc) where code_id is not null;
