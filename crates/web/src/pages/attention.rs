//! What needs a person, over all devices, by urgency.

use axum::extract::State;
use axum::response::Html;
use maud::html;

use crate::failure::Failure;
use crate::identify::Signed;
use crate::parts::attention;
use crate::parts::frame::{self, Here};
use crate::web::Web;

pub(crate) async fn show(State(web): State<Web>, signed: Signed) -> Result<Html<String>, Failure> {
    let found = web.app.load_attention(&signed.actor).await?;
    let when = signed.when(&web);
    let body = html! {
        div.bar { h1 { "What needs you" } }
        (attention::list(&found, &when))
        (frame::live("on=attention", when.now))
    };
    Ok(frame::page(&web, &signed, Here::Attention, "What needs you", &body))
}
