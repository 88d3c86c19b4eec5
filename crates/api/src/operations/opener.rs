//! `/opener`: the intercoms that openers work with. Nuki's list of them is nobody else's, so there are none here.

use crate::ask::{Ask, BrandNumber, IntercomNumber};
use crate::error::Failure;
use crate::reply::Reply;
use crate::wire::{IntercomFilter, OpenerIntercomBrand, OpenerIntercomModel};

pub(crate) async fn brands() -> Reply<Vec<OpenerIntercomBrand>> {
    Reply(Vec::new())
}

pub(crate) async fn brand(_: BrandNumber) -> Result<Reply<OpenerIntercomBrand>, Failure> {
    Err(Failure::not_found())
}

pub(crate) async fn intercoms(
    Ask(filter): Ask<IntercomFilter>,
) -> Result<Reply<Vec<OpenerIntercomModel>>, Failure> {
    filter.check()?;
    Ok(Reply(Vec::new()))
}

pub(crate) async fn intercom(_: IntercomNumber) -> Result<Reply<OpenerIntercomModel>, Failure> {
    Err(Failure::not_found())
}
