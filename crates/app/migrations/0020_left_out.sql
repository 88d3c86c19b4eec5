-- What its owner took away while the bridge went on listing it: it does not come back by itself.
create table bridge_left_out (
    bridge_id bigint not null references bridges (id) on delete cascade,
    nuki_id bigint not null,
    is_opener boolean not null,
    primary key (bridge_id, nuki_id, is_opener)
);
