-- A way to reach a device. A device may have several: its own MQTT client, a hub, a bridge; the best that is there speaks
-- for it.
create table ways (
    id bigint primary key,
    device_id bigint not null references devices (id) on delete cascade,
    account_id bigint not null references accounts (id),
    connector text not null,
    -- What a lock or a hub connects with; one hub may bring a lock and an opener.
    login_id bigint references logins (id),
    bridge_id bigint,
    added_at bigint not null,
    online boolean not null default false,
    online_changed_at bigint,
    accepts_commands boolean,
    heard_at bigint,
    -- It turned out to speak for another device, whose Nuki ID this is: nothing it says is believed.
    speaks_for bigint
);
create unique index ways_of_device on ways (device_id, connector);
create index ways_of_login on ways (login_id) where login_id is not null;
create index ways_of_bridge on ways (bridge_id) where bridge_id is not null;
insert into ways (id, device_id, account_id, connector, login_id, added_at, online, online_changed_at, accepts_commands, heard_at)
    select d.id, d.id, d.account_id, d.connector,
        (select max(l.id) from logins l where l.device_id = d.id and l.revoked_at is null),
        d.added_at, s.online, s.online_changed_at, s.accepts_commands, s.said_at
    from devices d join device_states s on s.device_id = d.id where d.removed_at is null;

-- What a hub is known by, besides its login.
alter table logins add column connector text not null default 'nuki-mqtt';
alter table logins add column base_path text;

-- Whose word counts now (Connector::code), and since when.
alter table device_states add column speaker bigint;
alter table device_states add column speaker_since bigint;
-- The last entry of the lock's own log that we have: its number, and its time by the lock's clock.
alter table device_states add column log_index bigint;
alter table device_states add column log_at bigint;
-- The lock's clock when a hub last told its whole state, and how far its log's times are from UTC (unconfirmed: 0, or
-- the lock's time zone), both in milliseconds.
alter table device_states add column snapshot_at bigint;
alter table device_states add column log_shift bigint;
update device_states set speaker = 1, speaker_since = online_changed_at;

-- One lock is one device, whichever ways lead to it. A lock and an opener may have the same Nuki ID (Bridge API 1.13.3
-- names a device by both).
alter table devices add column is_opener boolean not null default false;
-- It turned out to be another device of the account, and became one with it.
alter table devices add column joined_to bigint;
update devices set is_opener = true where device_type = 2;
drop index devices_by_nuki_id;
create unique index devices_by_nuki_id on devices (nuki_id, is_opener) where nuki_id is not null and removed_at is null;

-- Slow facts of a device (voltage, signal, versions, …), each with the time it was said.
create table facts (
    device_id bigint not null references devices (id) on delete cascade,
    fact text not null,
    value text not null,
    said_at bigint not null,
    primary key (device_id, fact)
);

-- What keeps a way from giving what it could, in words for its owner, until it is mended.
create table troubles (
    device_id bigint not null references devices (id) on delete cascade,
    connector text not null,
    trouble text not null,
    detail text not null,
    since bigint not null,
    primary key (device_id, connector, trouble)
);

-- What the lock's own log adds: a name, and the number under which it is never taken twice.
alter table activity add column name text;
alter table activity add column log_index bigint;
alter table activity add column logged_at bigint;
create unique index activity_by_log_index on activity (device_id, log_index, logged_at) where log_index is not null;

-- By which way a command was sent: only that way's answer is its answer.
alter table commands add column sent_by text;
-- What is known of it while it is under way.
alter table commands add column progress text;
