-- What a device was over time, for its pictures: a row for each change and none in between. A value of -1 is from when
-- nothing is known; else kind 0 has the state's code, 1 the battery in percent, 2 whether it is there (0 or 1), 3 the door's code.
create table history (
    device_id bigint not null references devices (id) on delete cascade,
    kind bigint not null,
    at bigint not null,
    value bigint not null,
    primary key (device_id, kind, at)
);
-- What was last written of each kind, packed, so that the next report is compared without reading.
alter table device_states add column pictured bigint;

-- When a battery is expected to need somebody, as of the last look at its history.
create table forecasts (
    device_id bigint not null primary key references devices (id) on delete cascade,
    low_at bigint not null,
    earliest_at bigint not null,
    made_at bigint not null
);

-- What the work list asks of all devices at once.
create index settings_refused on settings (device_id, setting) where state = 'refused';
create index facts_signal on facts (device_id) where fact = 'signal-dbm';
