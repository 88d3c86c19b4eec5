-- What should be set on a device (desired), and what it says is set (reported): two columns, and what is between them.
create table settings (
    device_id bigint not null references devices (id) on delete cascade,
    setting text not null,
    reported text,
    reported_at bigint,
    desired text,
    desired_at bigint,
    desired_by bigint,
    -- null: nothing is between them; 'wanted', 'sent', or 'refused' with the reason.
    state text,
    reason text,
    sent_at bigint,
    tries bigint not null default 0,
    primary key (device_id, setting)
);
create index settings_wanted on settings (device_id, setting) where state in ('wanted', 'sent');
