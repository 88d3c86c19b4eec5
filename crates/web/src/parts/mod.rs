//! One function per part of a page. The page, the answer to a form and the live update call the same one.

pub(crate) mod attention;
pub(crate) mod bulk;
pub(crate) mod card;
pub(crate) mod commands;
pub(crate) mod connect;
pub(crate) mod counts;
pub(crate) mod deeds;
pub(crate) mod entry;
pub(crate) mod face;
pub(crate) mod facts;
pub(crate) mod find;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod gives;
pub(crate) mod groups;
pub(crate) mod icon;
pub(crate) mod listing;
pub(crate) mod night;
pub(crate) mod picture;
pub(crate) mod pictures;
pub(crate) mod problem;
pub(crate) mod reach;
pub(crate) mod said;
pub(crate) mod sentence;
pub(crate) mod setting;
pub(crate) mod simulated;
