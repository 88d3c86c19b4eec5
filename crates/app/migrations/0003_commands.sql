create table commands (
    id bigint primary key,
    account_id bigint not null,
    device_id bigint not null references devices (id) on delete cascade,
    action bigint not null,
    state text not null check (state in ('created', 'sent', 'accepted', 'done', 'failed', 'expired', 'unknown')),
    -- The device's error number or our reason for failing, in words.
    error_code bigint,
    reason text,
    actor_id bigint,
    session_id bigint,
    token_id bigint,
    idempotency_key text,
    created_at bigint not null,
    deadline bigint not null,
    sent_at bigint,
    answer_by bigint,
    -- When the lock told of the action itself.
    performed_at bigint,
    accepted_at bigint,
    ended_at bigint,
    activity_id bigint not null
);
create index commands_of_device on commands (device_id, id desc);
create index commands_open on commands (state, device_id, id) where state in ('created', 'sent', 'accepted');
create unique index commands_once on commands (account_id, idempotency_key) where idempotency_key is not null;
