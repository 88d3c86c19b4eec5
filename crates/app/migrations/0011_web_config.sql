-- What programs keep beside a device (Web API 4.10.0, `Smartlock.WebConfig`); null: never given.
create table web_configs (
    device_id bigint primary key references devices (id) on delete cascade,
    battery_mails boolean,
    -- Ids of accounts, ascending, with commas between them.
    dismissed text
);
