//! `MyAccount`.

use lockwarden_app::accounts::Account;
use schemars::JsonSchema;
use serde::Serialize;

use super::date;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MyAccount {
    account_id: i64,
    /// 0: user.
    #[serde(rename = "type")]
    kind: u8,
    email: String,
    name: String,
    /// The owner's id, if this is a sub-account.
    #[serde(skip_serializing_if = "Option::is_none")]
    master_account_id: Option<i64>,
    language: String,
    creation_date: String,
    update_date: String,
}

impl From<Account> for MyAccount {
    fn from(account: Account) -> Self {
        Self {
            account_id: account.id.0,
            kind: 0,
            email: account.email,
            name: account.name,
            master_account_id: account.master.map(|master| master.0),
            language: account.language,
            creation_date: date(account.created_at),
            update_date: date(account.updated_at),
        }
    }
}
