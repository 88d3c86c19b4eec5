-- What a process without open pages (a command beside the server) changed: the server takes the rows and tells its own.
create table foreign_events (
    kind text not null,
    account_id bigint not null,
    device_id bigint not null
);
