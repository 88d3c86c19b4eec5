-- How a repeated delivery is told from a new one: when the device's connection began, since when what it delivered may
-- still be unacknowledged on its side, and what delivered its last reports that are not entries of the log.
alter table device_states add column connected_at bigint;
alter table device_states add column repeats_from bigint;
alter table device_states add column deliveries bytea;
