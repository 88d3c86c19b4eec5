-- A Nuki Bridge: where it is, and the token it wants. Every device it lists has a way through it.
create table bridges (
    id bigint primary key,
    account_id bigint not null references accounts (id),
    address text not null,
    -- As the bridge has it; whoever can read this file can ask the bridge.
    token text not null,
    -- How the token travels: encrypted, hashed or plain.
    token_form text not null,
    -- The secret part of the path at which the bridge calls us.
    callback text not null unique,
    hardware_id bigint,
    version text,
    added_at bigint not null,
    online boolean not null default false,
    online_changed_at bigint,
    heard_at bigint,
    latency_ms bigint,
    -- Why it cannot be used, in words.
    trouble text,
    -- What is known of its three callbacks, in words.
    callbacks text
);
create index bridges_of_account on bridges (account_id);
