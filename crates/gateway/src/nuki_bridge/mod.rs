//! The connector `nuki-bridge`: Nuki's Bridge HTTP API 1.13.3. Asking and telling (`call`, `request`, `token`), in turn
//! (`queue`), reading what comes back (`wire`), and being called (`callback`, `listener`). No database is in here.

pub(crate) mod action;
pub(crate) mod call;
pub(crate) mod callback;
pub(crate) mod errors;
pub(crate) mod listener;
pub(crate) mod queue;
pub(crate) mod request;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod wire;

use lockwarden_app::bridges::BridgeAddress;
use lockwarden_app::clock::{Clock, Steady};

use self::call::{Answer, Call};
use self::callback::{PathToken, keep};
use self::errors::Trouble;
use self::request::Request;
use self::token::Token;
use self::wire::Registered;

/// Asks a bridge, once. An answer has a status of success; everything else is trouble. `proof` is [`Token::proof`],
/// made when it is this request's turn. `not_after` is for commands.
pub(crate) async fn ask(
    clock: &Clock,
    bridge: &BridgeAddress,
    request: &Request,
    proof: &str,
    not_after: Option<Steady>,
) -> Result<Answer, Trouble> {
    let target = request.target(proof);
    let patience = request.patience();
    let answer = call::get(clock, Call { bridge, target: &target, patience, not_after }).await?;
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    Err(Trouble::of_status(answer.status, answer.took, request.about()))
}

/// Reads any bytes as everything that comes from outside, for fuzzing.
pub(crate) fn read_everything(bytes: &[u8]) {
    wire::read_as_everything(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (BridgeAddress::parse(text), Token::new(text), PathToken::new(text));
        let ours = PathToken::new("abcdefghijkmnpqrstuvwxyz23456789");
        let registered = [Registered { id: 0, url: text.to_owned() }];
        let _ = ours.map(|token| {
            keep(&registered, "http://192.168.1.9:8099/nuki-bridge/a", (&token, |_: &PathToken| false))
        });
    }
}
