-- What keeps a way from giving what it could goes with the way.
delete from troubles where not exists
    (select 1 from ways w where w.device_id = troubles.device_id and w.connector = troubles.connector);
