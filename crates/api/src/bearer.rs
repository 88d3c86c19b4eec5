//! The token of a call, turned into an actor with the rights its person has now.

use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use lockwarden_app::App;
use lockwarden_app::actor::Actor;

use crate::error::Failure;

pub(crate) struct Bearer(pub Actor);

impl OperationInput for Bearer {}

impl FromRequestParts<App> for Bearer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return Err(Failure::unauthorized());
        };
        let text = value.to_str().map_err(|_| Failure::unauthorized())?;
        // The Web API's documentation shows both "Bearer <token>" and the bare token.
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            None => text,
            Some(_) => return Err(Failure::unauthorized()),
        };
        match app.authenticate_token(token).await? {
            Some(actor) => Ok(Self(actor)),
            None => Err(Failure::unknown_token()),
        }
    }
}
