//! The one table of what can be asked for. The router is built from it and tests walk it, so a route that is missing
//! from a test is missing from the product.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use crate::identify::signed_in_only;
use crate::pages::{
    account, activity, add_device, announced, api_tokens, attention, begin, bridge, bulk, device, devices,
    groups, left_open, manage, order, safety, set_up, settings, sign_in, ways,
};
use crate::web::Web;
use crate::{assets, live};

/// Who gets past the door of a route. What they may do behind it, the actions decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anyone,
    SignedIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    pub method: &'static str,
    pub path: &'static str,
    pub who: Who,
}

struct Route {
    info: RouteInfo,
    handler: MethodRouter<Web>,
}

/// Every route, as it is served.
pub fn routes() -> Vec<RouteInfo> {
    table().into_iter().map(|route| route.info).collect()
}

pub(crate) fn build() -> Router<Web> {
    table().into_iter().fold(Router::new(), |router, route| {
        let handler = match route.info.who {
            Who::Anyone => route.handler,
            Who::SignedIn => route.handler.route_layer(from_fn(signed_in_only)),
        };
        router.route(route.info.path, handler)
    })
}

fn route(method: &'static str, path: &'static str, who: Who, handler: MethodRouter<Web>) -> Route {
    Route { info: RouteInfo { method, path, who }, handler }
}

fn table() -> Vec<Route> {
    use Who::{Anyone, SignedIn};
    let mut table = vec![
        route("GET", "/assets/{name}", Anyone, get(assets::serve)),
        route("GET", "/set-up", Anyone, get(set_up::explain)),
        route("GET", "/set-up/{token}", Anyone, get(set_up::show)),
        route("POST", "/set-up/{token}", Anyone, post(set_up::complete)),
        route("GET", "/sign-in", Anyone, get(sign_in::show)),
        route("POST", "/sign-in", Anyone, post(sign_in::sign_in)),
        route("POST", "/sign-out", SignedIn, post(sign_in::sign_out)),
        route("GET", "/", SignedIn, get(devices::home)),
        route("GET", "/live", SignedIn, get(live::stream)),
        route("POST", "/bulks", SignedIn, post(bulk::propose)),
        route("GET", "/bulks/{id}", SignedIn, get(bulk::show)),
        route("POST", "/bulks/{id}/begin", SignedIn, post(bulk::begin)),
        route("POST", "/bulks/{id}/stop", SignedIn, post(bulk::stop)),
        route("POST", "/bulks/{id}/again", SignedIn, post(bulk::again)),
        route("GET", "/groups", SignedIn, get(groups::show)),
        route("POST", "/groups", SignedIn, post(groups::create)),
        route("GET", "/groups/{id}", SignedIn, get(groups::edit)),
        route("POST", "/groups/{id}", SignedIn, post(groups::rename)),
        route("POST", "/groups/{id}/place", SignedIn, post(groups::place)),
        route("GET", "/groups/{id}/delete", SignedIn, get(groups::ask_delete)),
        route("POST", "/groups/{id}/delete", SignedIn, post(groups::delete)),
        route("GET", "/attention", SignedIn, get(attention::show)),
        route("GET", "/activity", SignedIn, get(activity::show)),
        route("GET", "/settings/account", SignedIn, get(account::show)),
        route("POST", "/settings/account/profile", SignedIn, post(account::change_profile)),
        route("POST", "/settings/account/password", SignedIn, post(account::change_password)),
        route("POST", "/settings/account/sessions/{id}/end", SignedIn, post(account::end_session)),
        route("POST", "/settings/account/sessions/end-others", SignedIn, post(account::end_others)),
        route("GET", "/settings/left-open", SignedIn, get(left_open::show)),
        route("POST", "/settings/left-open", SignedIn, post(left_open::save)),
        route("GET", "/settings/api-tokens", SignedIn, get(api_tokens::show)),
        route("POST", "/settings/api-tokens", SignedIn, post(api_tokens::create)),
        route("GET", "/settings/api-tokens/{id}/revoke", SignedIn, get(api_tokens::ask_revoke)),
        route("POST", "/settings/api-tokens/{id}/revoke", SignedIn, post(api_tokens::revoke)),
    ];
    table.extend(of_devices());
    table
}

fn of_devices() -> Vec<Route> {
    use Who::SignedIn;
    vec![
        route("GET", "/devices", SignedIn, get(devices::show)),
        route("GET", "/devices/new", SignedIn, get(add_device::show)),
        route("POST", "/devices/new", SignedIn, post(add_device::add)),
        route("POST", "/devices/new/announced", SignedIn, post(announced::add)),
        route("GET", "/devices/{id}", SignedIn, get(device::show)),
        route("GET", "/devices/{id}/add", SignedIn, get(begin::show)),
        route("POST", "/devices/{id}/add", SignedIn, post(begin::save)),
        route("GET", "/devices/{id}/order", SignedIn, get(order::confirm)),
        route("POST", "/devices/{id}/order", SignedIn, post(order::order)),
        route("POST", "/devices/{id}", SignedIn, post(manage::rename)),
        route("POST", "/devices/{id}/group", SignedIn, post(manage::set_group)),
        route("POST", "/devices/{id}/favourite", SignedIn, post(manage::set_favourite)),
        route("GET", "/devices/{id}/safety", SignedIn, get(safety::show)),
        route("POST", "/devices/{id}/safety", SignedIn, post(safety::save)),
        route("POST", "/devices/{id}/password", SignedIn, post(ways::new_password)),
        route("GET", "/devices/{id}/revoke", SignedIn, get(ways::ask_revoke)),
        route("POST", "/devices/{id}/revoke", SignedIn, post(ways::revoke)),
        route("GET", "/devices/{id}/way", SignedIn, get(ways::ask)),
        route("POST", "/devices/{id}/way", SignedIn, post(ways::change)),
        route("GET", "/devices/{id}/settings", SignedIn, get(settings::show)),
        route("POST", "/devices/{id}/settings", SignedIn, post(settings::save)),
        route("POST", "/devices/{id}/settings/keep", SignedIn, post(settings::keep)),
        route("POST", "/devices/{id}/settings/again", SignedIn, post(settings::retry)),
        route("POST", "/devices/{id}/sync", SignedIn, post(settings::sync)),
        route("GET", "/devices/{id}/remove", SignedIn, get(manage::ask_remove)),
        route("POST", "/devices/{id}/remove", SignedIn, post(manage::remove)),
        route("GET", "/bridges/{id}", SignedIn, get(bridge::show)),
        route("GET", "/bridges/{id}/change", SignedIn, get(bridge::ask_change)),
        route("POST", "/bridges/{id}/change", SignedIn, post(bridge::change)),
        route("GET", "/bridges/{id}/remove", SignedIn, get(bridge::ask_remove)),
        route("POST", "/bridges/{id}/remove", SignedIn, post(bridge::remove)),
    ]
}
