//! The style sheet, the script and the icon, compiled in. Their address carries a hash of their content, so a browser
//! keeps them for ever and never keeps an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::guard::FOR_EVER;

pub(crate) struct Asset {
    path: String,
    kind: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, content: &'static [u8]) -> Self {
        let hash = Sha256::digest(content);
        let short = hash.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Self { path: format!("/assets/{stem}-{short:012x}.{ending}"), kind, content }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

pub(crate) static LOOK: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("look", "css", "text/css; charset=utf-8", include_bytes!("assets/look.css")));
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("app", "js", "text/javascript; charset=utf-8", include_bytes!("assets/app.js"))
});
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg")));

pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let found = [&LOOK, &SCRIPT, &ICON].into_iter().find(|asset| asset.path.ends_with(&format!("/{name}")));
    match found {
        Some(asset) => ([(CONTENT_TYPE.as_str(), asset.kind)], [FOR_EVER], asset.content).into_response(),
        None => Failure::Status(StatusCode::NOT_FOUND).into_response(),
    }
}
