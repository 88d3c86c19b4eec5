-- A bulk may set one option of many devices: which, and to what, as settings store it.
alter table bulks add column setting text;
alter table bulks add column value text;
-- What the option was when it was proposed, which is what its person decided on.
alter table bulk_items add column was text;
create index bulk_items_of_options on bulk_items (device_id) where state = 'ordered' and command_id is null;
