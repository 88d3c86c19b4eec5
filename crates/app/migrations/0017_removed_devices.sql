-- What was wanted of a device that was removed since does not come to it any more, and nobody waits for it.
update settings set desired = null, state = null, reason = null, sent_at = null, tries = 0
    where state is not null and device_id in (select id from devices where removed_at is not null);
update bulk_items set state = 'failed', reason = 'it is not there any more'
    where state = 'ordered' and command_id is null
    and bulk_id in (select id from bulks where setting is not null)
    and device_id in (select id from devices where removed_at is not null);
