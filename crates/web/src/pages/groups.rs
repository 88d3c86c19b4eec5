//! Managing groups: the tree, and for each group its name, its place and its end.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use lockwarden_app::groups::{DEEPEST, Group, NewGroup};
use lockwarden_app::ids::GroupId;
use lockwarden_app::{Error, Result};
use maud::{Markup, html};

use super::again;
use crate::failure::Failure;
use crate::fields::{Asked, Fields, id};
use crate::identify::{Person, Signed};
use crate::parts::counts::summary;
use crate::parts::form::{Field, Wrong};
use crate::parts::frame::{self, Here};
use crate::parts::groups::{path_of, select};
use crate::parts::icon::{Icon, icon};
use crate::parts::said::{self, Said};
use crate::web::Web;

type Answer<T> = std::result::Result<T, Failure>;

/// The form for a new group, filled in again if it was wrong.
#[derive(Default)]
struct Adding<'a> {
    name: &'a str,
    parent: Option<GroupId>,
    wrong: Wrong,
}

pub(crate) async fn show(State(web): State<Web>, signed: Signed, asked: Asked) -> Answer<Html<String>> {
    let adding = Adding { parent: asked.read("in").map(GroupId), ..Adding::default() };
    Ok(page(&web, &signed, Said::from_name(asked.text("said")), &adding).await?)
}

pub(crate) async fn create(State(web): State<Web>, signed: Signed, fields: Fields) -> Answer<Response> {
    let (name, parent) = (fields.text("name"), fields.chosen("parent")?);
    match web.app.create_group(&signed.actor, NewGroup { name, parent }).await {
        Ok(_) => Ok(to_groups(Said::GroupMade)),
        Err(Error::Invalid { field, why }) => {
            let adding = Adding { name, parent, wrong: Wrong::at(field, why) };
            Ok(again(page(&web, &signed, None, &adding).await?))
        }
        Err(error) => Err(error.into()),
    }
}

fn to_groups(said: Said) -> Response {
    Redirect::to(&format!("/groups?said={}", said.name())).into_response()
}

async fn page(web: &Web, person: &Person, said: Option<Said>, adding: &Adding<'_>) -> Result<Html<String>> {
    person.actor.may_manage_groups()?;
    let groups = web.app.list_groups(&person.actor).await?;
    let room = groups.iter().map(|one| &one.group).filter(|group| group.depth + 1 < DEEPEST);
    let body = html! {
        (said::strip(said))
        p.back { a href="/devices" { (icon(Icon::Back)) "Devices" } }
        h1 { "Groups" }
        div.two {
            section {
                @if groups.is_empty() {
                    div.empty {
                        span.dot { (icon(Icon::Group)) }
                        h2 { "No groups yet" }
                        p { "A group is a site, a building, a flat: whatever you look for doors by. Groups can be inside groups." }
                    }
                } @else {
                    ul.card.plain.tree {
                        @for one in &groups {
                            li class={ "item depth-" (one.group.depth) } {
                                div {
                                    a href={ "/devices?group=" (one.group.id) } { b { (one.group.name) } }
                                    small { (summary(one.counts)) }
                                }
                                a.btn href={ "/groups/" (one.group.id) } { (icon(Icon::Pencil)) "Change" span.sr { " " (one.group.name) } }
                            }
                        }
                    }
                }
            }
            section {
                h2 { "New group" }
                form.card.pad.stack method="post" action="/groups" {
                    (Field {
                        name: "name", label: "Name", value: adding.name, wrong: adding.wrong.of("name"),
                        autocomplete: "off", ..Field::default()
                    }.text())
                    (select(("parent", "Inside"), room, ("Nothing: at the top", adding.parent)))
                    div.acts { button.btn.main { (icon(Icon::Plus)) "Make the group" } }
                }
            }
        }
    };
    Ok(frame::page(web, person, Here::Devices, &adding.wrong.title("Groups"), &body))
}

/// A group, and all of them.
async fn one(web: &Web, person: &Person, group: &str) -> Answer<(Group, Vec<Group>)> {
    person.actor.may_manage_groups()?;
    let group: GroupId = id(group)?;
    let groups = web.app.known_groups(&person.actor).await?;
    let found = groups.iter().find(|one| one.id == group).cloned().ok_or(Error::NotFound)?;
    Ok((found, groups))
}

pub(crate) async fn edit(
    State(web): State<Web>,
    signed: Signed,
    Path(group): Path<String>,
) -> Answer<Html<String>> {
    let (group, groups) = one(&web, &signed, &group).await?;
    Ok(form(&web, &signed, (&group, &groups), None, &Wrong::default()))
}

fn form(
    web: &Web,
    person: &Person,
    (group, groups): (&Group, &[Group]),
    name: Option<&str>,
    wrong: &Wrong,
) -> Html<String> {
    let path = path_of(groups.iter(), group.id).unwrap_or_default();
    let body = html! {
        p.back { a href="/groups" { (icon(Icon::Back)) "Groups" } }
        div.narrow {
            h1 { (path) }
            form.card.pad.stack method="post" action={ "/groups/" (group.id) } {
                (Field {
                    name: "name", label: "Name", value: name.unwrap_or(&group.name), wrong: wrong.of("name"),
                    autocomplete: "off", ..Field::default()
                }.text())
                div.acts { button.btn.main { (icon(Icon::Pencil)) "Save the name" } }
            }
            form.card.pad.stack method="post" action={ "/groups/" (group.id) "/place" } {
                @if let Some(why) = wrong.of("parent") {
                    p.wrong { (icon(Icon::Alert)) span { (said::sentence(why)) } }
                }
                (select(("parent", "Inside"), elsewhere(group, groups), ("Nothing: at the top", group.parent)))
                div.acts { button.btn { "Save the place" } }
            }
            div.acts { a.btn.risk href={ "/groups/" (group.id) "/delete" } { (icon(Icon::Trash)) "Delete this group…" } }
        }
    };
    frame::page(web, person, Here::Devices, &wrong.title(&group.name), &body)
}

/// Where it may go: nowhere into itself.
fn elsewhere<'g>(group: &'g Group, groups: &'g [Group]) -> impl Iterator<Item = &'g Group> {
    let place = groups.iter().position(|one| one.id == group.id).unwrap_or(0);
    let behind = groups.iter().skip(place + 1).take_while(|one| one.depth > group.depth).count();
    let below = place..=place + behind;
    groups.iter().enumerate().filter(move |(at, _)| !below.contains(at)).map(|(_, one)| one)
}

pub(crate) async fn rename(
    State(web): State<Web>,
    signed: Signed,
    Path(group): Path<String>,
    fields: Fields,
) -> Answer<Response> {
    let (group, groups) = one(&web, &signed, &group).await?;
    let name = fields.text("name");
    let renamed = web.app.rename_group(&signed.actor, group.id, name).await;
    saved(&web, &signed, (&group, &groups), Some(name), renamed)
}

pub(crate) async fn place(
    State(web): State<Web>,
    signed: Signed,
    Path(group): Path<String>,
    fields: Fields,
) -> Answer<Response> {
    let (group, groups) = one(&web, &signed, &group).await?;
    let moved = web.app.move_group(&signed.actor, group.id, fields.chosen("parent")?).await;
    saved(&web, &signed, (&group, &groups), None, moved)
}

fn saved(
    web: &Web,
    person: &Person,
    group: (&Group, &[Group]),
    name: Option<&str>,
    result: Result<()>,
) -> Answer<Response> {
    match result {
        Ok(()) => Ok(to_groups(Said::GroupSaved)),
        Err(Error::Invalid { field, why }) => {
            Ok(again(form(web, person, group, name, &Wrong::at(field, why))))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn ask_delete(
    State(web): State<Web>,
    signed: Signed,
    Path(group): Path<String>,
) -> Answer<Html<String>> {
    let (group, groups) = one(&web, &signed, &group).await?;
    let above = group.parent.and_then(|parent| path_of(groups.iter(), parent));
    Ok(frame::page(&web, &signed, Here::Devices, "Delete a group", &question(&group, above.as_deref())))
}

fn question(group: &Group, above: Option<&str>) -> Markup {
    html! {
        section.narrow {
            form.card.pad.stack method="post" action={ "/groups/" (group.id) "/delete" } {
                h1 { "Delete the group " (group.name) "?" }
                p {
                    "No device is removed. Devices and groups in it "
                    @if let Some(above) = above { "will be in " (above) "." } @else { "will be at the top, in no group." }
                }
                div.acts {
                    button.btn.risk.sure { (icon(Icon::Trash)) "Delete the group" }
                    a.btn href={ "/groups/" (group.id) } { "Keep it" }
                }
            }
        }
    }
}

pub(crate) async fn delete(
    State(web): State<Web>,
    signed: Signed,
    Path(group): Path<String>,
) -> Answer<Response> {
    let (group, _) = one(&web, &signed, &group).await?;
    web.app.delete_group(&signed.actor, group.id).await?;
    Ok(to_groups(Said::GroupDeleted))
}
