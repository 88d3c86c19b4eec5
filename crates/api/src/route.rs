//! The routes and their description: the one module that knows the OpenAPI crate's way of declaring them.

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use aide::openapi::{Info, OpenApi, SecurityScheme};
use aide::transform::{TransformOpenApi, TransformOperation};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use lockwarden_app::App;
use lockwarden_app::accounts::TokenScope;

use crate::error::{ErrorBody, Failure};
use crate::operations::{account, action, config, log, opener, smartlock};
use crate::reply::{Reply, answer, written};
use crate::wire::settings;

const BODY: usize = 64 * 1_024;
const SCHEME: &str = "token";

pub(crate) fn router(app: App) -> Router {
    let (router, document) = described();
    // What is kept of it is its text: as it was put together it takes ten times as much.
    let document = written(&document);
    router
        .route("/openapi.json", get(move || async move { answer(document) }))
        .fallback(|| async { Failure::not_found() })
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(map_response(guard))
        .with_state(app)
}

/// The routes, and the document that describes them.
pub(crate) fn described() -> (Router<App>, OpenApi) {
    let mut document = OpenApi::default();
    let router = routes().finish_api_with(&mut document, describe_all);
    (router, document)
}

/// Personal data are nobody's to keep or to guess the type of.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

const READ: &[TokenScope] = &[TokenScope::Smartlock, TokenScope::SmartlockReadOnly];
const MANAGE: &[TokenScope] = &[TokenScope::Smartlock];
const ACT: &[TokenScope] = &[TokenScope::SmartlockAction];
const CONFIGURE: &[TokenScope] = &[TokenScope::SmartlockConfig];
const LOG: &[TokenScope] = &[TokenScope::SmartlockLog];

/// How a change of settings can fail.
const CHANGE: &[u16] = &[400, 404, 413];

fn routes() -> ApiRouter<App> {
    reading().merge(operating()).merge(configuring()).merge(intercoms())
}

fn reading() -> ApiRouter<App> {
    let account = get_with(account::read, |operation| {
        describe(operation, "GetAccounts", "Get an account", &[TokenScope::Account], &[])
    });
    let list = get_with(smartlock::list, |operation| {
        describe(operation, "GetSmartlocks", "Get a list of smartlocks", READ, &[400])
    });
    let one = get_with(smartlock::read, |operation| {
        describe(operation, "GetSmartlock", "Get a smartlock", READ, &[400, 404])
    });
    let one = one.post_with(smartlock::update, |operation| {
        describe(operation, "PostSmartlock", "Update a smartlock", MANAGE, &[400, 404, 413])
    });
    let one = one.delete_with(smartlock::remove, |operation| {
        describe(operation, "DeleteSmartlock", "Delete a smartlock", MANAGE, &[400, 404])
    });
    let logs = get_with(log::list, |operation| {
        let summary = "Get a list of smartlock logs for all of your smartlocks";
        describe(operation, "GetSmartlocksLogs", summary, LOG, &[400, 404])
    });
    let log = get_with(log::list_of_device, |operation| {
        describe(operation, "GetSmartlockLogs", "Get a list of smartlock logs", LOG, &[400, 404])
    });
    ApiRouter::new()
        .api_route("/account", account)
        .api_route("/smartlock", list)
        .api_route("/smartlock/log", logs)
        .api_route("/smartlock/{smartlockId}", one)
        .api_route("/smartlock/{smartlockId}/log", log)
}

fn operating() -> ApiRouter<App> {
    let any = post_with(action::any, |operation| {
        let summary = "Lock & unlock a smartlock with options";
        describe(operation, "PostSmartlockAction", summary, ACT, &[400, 404, 409, 413, 423])
    });
    let lock = post_with(action::lock, |operation| {
        describe(
            operation,
            "PostLockSmartlockLockAction",
            "Lock a smartlock",
            ACT,
            &[400, 404, 405, 409, 423],
        )
    });
    let unlock = post_with(action::unlock, |operation| {
        describe(
            operation,
            "PostUnlockSmartlockUnlockAction",
            "Unlock a smartlock",
            ACT,
            &[400, 404, 405, 409, 423],
        )
    });
    let sync = post_with(action::sync, |operation| {
        describe(operation, "PostSmartlockSync", "Sync a smartlock", ACT, &[400, 404])
    });
    ApiRouter::new()
        .api_route("/smartlock/{smartlockId}/sync", sync)
        .api_route("/smartlock/{smartlockId}/action", any)
        .api_route("/smartlock/{smartlockId}/action/lock", lock)
        .api_route("/smartlock/{smartlockId}/action/unlock", unlock)
}

fn configuring() -> ApiRouter<App> {
    let base = post_with(config::change::<settings::Config>, |operation| {
        describe(operation, "PostSmartlockConfig", "Update a smartlock config", CONFIGURE, CHANGE)
    });
    let advanced = post_with(config::change::<settings::Advanced>, |operation| {
        let summary = "Update a smartlock advanced config";
        describe(operation, "PostSmartlockAdvancedConfig", summary, CONFIGURE, CHANGE)
    });
    let opener = post_with(config::change::<settings::Opener>, |operation| {
        let summary = "Update an opener advanced config";
        describe(operation, "PostSmartlockOpenerAdvancedConfig", summary, CONFIGURE, CHANGE)
    });
    let door = post_with(config::change::<settings::SmartDoor>, |operation| {
        let summary = "Update a smartdoor advanced config";
        describe(operation, "PostSmartdoorAdvancedConfig", summary, CONFIGURE, CHANGE)
    });
    let pin = post_with(config::admin_pin, |operation| {
        describe(operation, "PostSmartlockAdminPin", "Update a smartlock admin PIN", CONFIGURE, CHANGE)
    });
    let web = post_with(config::web_config, |operation| {
        describe(operation, "PostSmartlockWebConfig", "Update a smartlock web config", CONFIGURE, CHANGE)
    });
    let bulk = post_with(config::bulk_web_config, |operation| {
        let summary = "Update the web config for a group of smartlocks";
        describe(operation, "PostSmartlockBulkWebConfig", summary, CONFIGURE, CHANGE)
    });
    ApiRouter::new()
        .api_route("/smartlock/{smartlockId}/config", base)
        .api_route("/smartlock/{smartlockId}/advanced/config", advanced)
        .api_route("/smartlock/{smartlockId}/advanced/openerconfig", opener)
        .api_route("/smartlock/{smartlockId}/advanced/smartdoorconfig", door)
        .api_route("/smartlock/{smartlockId}/admin/pin", pin)
        .api_route("/smartlock/{smartlockId}/web/config", web)
        .api_route("/bulk-web-config", bulk)
}

/// Nobody needs a token for these (Web API 4.10.0): they say nothing of anybody.
fn intercoms() -> ApiRouter<App> {
    let brands = get_with(opener::brands, |operation| {
        operation.id("GetOpenerBrands").summary("Get all intercom brands")
    });
    let brand = get_with(opener::brand, |operation| {
        let operation = operation.id("GetOpenerBrand").summary("Get an intercom brand");
        operation.response::<400, Reply<ErrorBody>>().response::<404, Reply<ErrorBody>>()
    });
    let intercoms = get_with(opener::intercoms, |operation| {
        let operation = operation.id("GetOpenerIntercoms").summary("Get a list of intercom models");
        operation.response::<400, Reply<ErrorBody>>()
    });
    let intercom = get_with(opener::intercom, |operation| {
        let operation = operation.id("GetOpenerIntercom").summary("Get an intercom model");
        operation.response::<400, Reply<ErrorBody>>().response::<404, Reply<ErrorBody>>()
    });
    ApiRouter::new()
        .api_route("/opener/brand", brands)
        .api_route("/opener/brand/{brandId}", brand)
        .api_route("/opener/intercom", intercoms)
        .api_route("/opener/intercom/{intercomId}", intercom)
}

/// What every operation says of itself: who may call it, and how it can fail.
fn describe<'t>(
    mut operation: TransformOperation<'t>,
    id: &str,
    summary: &str,
    scopes: &[TokenScope],
    errors: &[u16],
) -> TransformOperation<'t> {
    operation = operation.id(id).summary(summary);
    // One requirement each: any of the scopes is enough.
    for scope in scopes {
        operation = operation.security_requirement_scopes(SCHEME, [scope.name()]);
    }
    operation = operation.response::<401, Reply<ErrorBody>>().response::<403, Reply<ErrorBody>>();
    for error in errors {
        operation = match error {
            400 => operation.response::<400, Reply<ErrorBody>>(),
            404 => operation.response::<404, Reply<ErrorBody>>(),
            405 => operation.response::<405, Reply<ErrorBody>>(),
            409 => operation.response::<409, Reply<ErrorBody>>(),
            413 => operation.response::<413, Reply<ErrorBody>>(),
            _ => operation.response::<423, Reply<ErrorBody>>(),
        };
    }
    operation
}

fn describe_all(api: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    let info = Info {
        title: "Lockwarden API".to_owned(),
        summary: Some("Compatible with the Nuki Web API 4.10.0".to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Info::default()
    };
    #[expect(clippy::default_trait_access, reason = "the map's crate is not one of ours")]
    let bearer = SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some(
            "A personal API token, made in the console or by `lockwarden token create`".to_owned(),
        ),
        extensions: Default::default(),
    };
    api.info(info).security_scheme(SCHEME, bearer)
}
