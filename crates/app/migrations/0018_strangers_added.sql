-- Which device of the account it was added as: until its own login is typed in, it still speaks through the other.
alter table strangers add column became bigint;
