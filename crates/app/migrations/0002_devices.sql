create table devices (
    id bigint primary key,
    account_id bigint not null references accounts (id),
    connector text not null,
    name text not null,
    -- Unknown until the device has connected once.
    nuki_id bigint,
    device_type bigint,
    favourite boolean not null default false,
    added_at bigint not null,
    updated_at bigint not null,
    removed_at bigint
);
create index devices_of_account on devices (account_id, nuki_id) where removed_at is null;
-- One lock is one device: a second login that publishes under the same Nuki ID is refused, whoever's it is.
create unique index devices_by_nuki_id on devices (connector, nuki_id) where nuki_id is not null and removed_at is null;

-- What the device last said. Every column but the connection's is the device's own word; null is "never said".
create table device_states (
    device_id bigint primary key references devices (id) on delete cascade,
    online boolean not null default false,
    online_changed_at bigint,
    accepts_commands boolean,
    said_at bigint,
    state bigint,
    state_said_at bigint,
    state_changed_at bigint,
    -- The last state in which the mechanism stood still.
    rest_state bigint,
    mode bigint,
    last_action bigint,
    last_trigger bigint,
    last_origin bigint,
    last_auth_id bigint,
    last_code_id bigint,
    last_event_at bigint,
    -- The action whose movement is under way: a movement that no event announced was made by hand.
    expected_action bigint,
    -- The newest entry that waits for the device to tell its own time.
    untimed_entry bigint,
    door_state bigint,
    door_changed_at bigint,
    battery_critical boolean,
    battery_percent bigint,
    battery_charging boolean,
    keypad_battery_critical boolean,
    door_battery_critical boolean,
    server_connected boolean,
    firmware text,
    own_name text,
    ring_at bigint,
    device_time bigint,
    clock_offset_ms bigint
);

-- A device's login at the MQTT door. The password is random and long, so a plain hash of it is enough.
create table logins (
    id bigint primary key,
    device_id bigint not null references devices (id) on delete cascade,
    account_id bigint not null references accounts (id),
    username text not null unique,
    password_hash bytea not null,
    created_at bigint not null,
    first_connected_at bigint,
    revoked_at bigint
);
create index logins_of_device on logins (device_id);

-- What a login tried and was refused, counted, for its owner to see.
create table login_refusals (
    login_id bigint not null references logins (id) on delete cascade,
    reason text not null,
    detail text not null,
    times bigint not null,
    last_at bigint not null,
    primary key (login_id, reason)
);

-- MQTT sessions that outlive their connection: what the client listens to, one "qos filter" a line. Never messages.
create table broker_sessions (
    login_id bigint not null references logins (id) on delete cascade,
    client_id text not null,
    filters text not null,
    seen_at bigint not null,
    primary key (login_id, client_id)
);

-- QoS 2 deliveries between PUBLISH and PUBREL, written in the transaction of what they delivered.
create table open_deliveries (
    login_id bigint not null references logins (id) on delete cascade,
    client_id text not null,
    packet_id bigint not null,
    primary key (login_id, client_id, packet_id)
);
