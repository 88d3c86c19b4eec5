//! `/account`.

use axum::extract::State;
use lockwarden_app::App;

use crate::bearer::Bearer;
use crate::error::Failure;
use crate::reply::Reply;
use crate::wire::MyAccount;

pub(crate) async fn read(State(app): State<App>, Bearer(actor): Bearer) -> Result<Reply<MyAccount>, Failure> {
    Ok(Reply(app.load_account(&actor).await?.into()))
}
