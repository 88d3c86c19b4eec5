-- Sign-ins. A row without a master is an account's owner, and its id is the account's id.
create table accounts (
    id bigint primary key,
    master_id bigint references accounts (id),
    email text not null unique,
    name text not null,
    password_hash text not null,
    rights bigint not null,
    language text not null,
    time_zone text not null,
    created_at bigint not null,
    updated_at bigint not null,
    password_changed_at bigint not null
);

-- Failed sign-ins, per e-mail (whether or not an account has it) and per address.
create table sign_in_failures (
    key text primary key,
    failures bigint not null,
    failed_at bigint not null
);

-- Browsers in which somebody signed in before: a guesser elsewhere cannot lock them out.
create table known_browsers (
    token_hash bytea primary key,
    account_id bigint not null references accounts (id) on delete cascade,
    failures bigint not null default 0,
    seen_at bigint not null
);

create table sessions (
    id bigint primary key,
    account_id bigint not null references accounts (id) on delete cascade,
    token_hash bytea not null unique,
    -- The token before the last rotation: requests already under way still carry it for a minute.
    previous_hash bytea,
    rotated_at bigint not null,
    created_at bigint not null,
    seen_at bigint not null,
    ends_at bigint not null,
    address text not null,
    user_agent text not null
);
create index sessions_of_account on sessions (account_id);
create unique index sessions_previous on sessions (previous_hash) where previous_hash is not null;

create table tokens (
    id bigint primary key,
    account_id bigint not null references accounts (id) on delete cascade,
    name text not null,
    token_hash bytea not null unique,
    scopes text not null,
    created_at bigint not null,
    used_at bigint
);
create index tokens_of_account on tokens (account_id);

-- The one-time link of the first start.
create table set_up_links (
    token_hash bytea primary key,
    ends_at bigint not null
);
