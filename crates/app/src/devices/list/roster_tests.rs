//! The roster's answers beside the obvious ones.

use std::collections::BTreeSet;

use super::*;
use crate::devices::{Connector, LeftOpen, Link, LockState, Safety, Said};
use crate::ids::AccountId;

/// Small numbers in a row, the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn throw(&mut self, sides: u8) -> u8 {
        u8::try_from(self.roll() % u64::from(sides)).unwrap()
    }

    fn place(&mut self, among: usize) -> usize {
        usize::try_from(self.roll()).unwrap() % among
    }
}

fn device(id: i64, dice: &mut Dice) -> Device {
    let street = ["Harbour street", "harbour Street", "Ähre", "Zoo", "éclair"][usize::from(dice.throw(5))];
    let state = [LockState::Locked, LockState::Unlocked, LockState::MotorBlocked][usize::from(dice.throw(3))];
    let said = Said {
        state: Some(state),
        state_at: Some(Time(10)),
        state_changed_at: Some(Time(i64::from(dice.throw(50)))),
        battery_critical: Some(dice.throw(9) == 0),
        ..Said::default()
    };
    Device {
        id: DeviceId(id),
        account: AccountId(1),
        connector: Connector::NukiMqtt,
        name: format!("{street} {}", dice.throw(30)),
        nuki_id: (dice.throw(8) > 0).then(|| u32::try_from(id).unwrap() + 0xA000),
        kind: Some(DeviceType::from_code(dice.throw(3))),
        group: [None, Some(GroupId(1)), Some(GroupId(2)), Some(GroupId(3)), Some(GroupId(77))]
            [usize::from(dice.throw(5))],
        favourite: dice.throw(6) == 0,
        safety: Safety::default(),
        unlocking_opens: false,
        left_open: LeftOpen::USUAL,
        added_at: Time(i64::from(dice.throw(20))),
        updated_at: Time(0),
        link: Link {
            online: dice.throw(4) > 0,
            changed_at: Some(Time(1)),
            speaker_since: None,
            accepts_commands: Some(true),
            is_out_of_reach: false,
        },
        said,
    }
}

fn tree() -> Tree {
    let group = |id, parent: Option<i64>, name: &str| (GroupId(id), parent.map(GroupId), name.to_owned());
    Tree::of(vec![group(2, Some(1), "House 4"), group(1, None, "Site A"), group(3, None, "Elsewhere")])
}

/// The list by its definition: everything is compared with everything, nothing is kept.
fn by_definition(devices: &[Device], query: &ListQuery, scope: &Scope) -> Vec<DeviceId> {
    let (filter, now, tree) = (&query.filter, Time(1_000), tree());
    let path = |device: &Device| {
        let mut names = String::new();
        let mut at = device.group;
        while let Some(group) = at.and_then(|id| tree.find(id)) {
            names = format!("{names}\n{}", fold(&group.name));
            at = group.parent;
        }
        names
    };
    let matches = |device: &&Device| {
        let texts = [fold(&device.name), path(device)];
        let begins_id = |word: &str| {
            let is = |id| format!("{id:08x}").starts_with(word) || format!("{id:x}") == word;
            word.len() >= 4 && device.nuki_id.is_some_and(is)
        };
        let problems = Problems::of(device, now);
        scope.contains(device.id)
            && fold(&filter.words)
                .split_whitespace()
                .all(|word| begins_id(word) || texts.iter().any(|text| text.contains(word)))
            && filter.kind.is_none_or(|kind| kind == Kind::of(device))
            && filter.device_type.is_none_or(|wanted| device.kind == Some(wanted))
            && match filter.wrong {
                None => true,
                Some(Wrong::Anything) => !problems.is_none(),
                Some(Wrong::This(problem)) => problems.has(problem),
            }
            && match filter.place {
                None => true,
                Some(Place::InNoGroup) => device.group.and_then(|id| tree.find(id)).is_none(),
                Some(Place::Within(group)) => {
                    let mut at = device.group;
                    let mut inside = false;
                    while let Some(found) = at.and_then(|id| tree.find(id)) {
                        inside |= found.id == group;
                        at = found.parent;
                    }
                    inside
                }
            }
    };
    let mut found: Vec<&Device> = devices.iter().filter(matches).collect();
    in_order(&mut found, query);
    if query.by_group {
        found.sort_by_key(|device| place_of(device.group, &tree));
    }
    found.into_iter().map(|device| device.id).collect()
}

fn in_order(found: &mut [&Device], query: &ListQuery) {
    let now = Time(1_000);
    found.sort_by(|one, other| {
        let name = |device: &Device| (sort_key(&device.name), device.id);
        let by_name = name(one).cmp(&name(other));
        let acted = |device: &Device| device.said.state_changed_at.map(|at| at.0);
        let urgency = |device: &Device| Problems::of(device, now).urgency();
        match query.order {
            ListOrder::Favourites => other.favourite.cmp(&one.favourite).then(by_name),
            ListOrder::Name => by_name,
            ListOrder::NameBackwards => by_name.reverse(),
            ListOrder::Added => other.added_at.cmp(&one.added_at).then(by_name),
            ListOrder::Problems => urgency(one).cmp(&urgency(other)).then(by_name),
            ListOrder::Activity => acted(other).cmp(&acted(one)).then(by_name),
        }
    });
    let search = fold(&query.filter.words);
    if !search.is_empty() && matches!(query.order, ListOrder::Favourites | ListOrder::Name) {
        found.sort_by_key(|device| {
            let name = fold(&device.name);
            let begins = |word| name.split(' ').any(|one| one.starts_with(word));
            (name != search, !search.split_whitespace().all(begins))
        });
    }
}

fn any_filter(dice: &mut Dice) -> Filter {
    let words = [
        "",
        "",
        "harbour",
        "2 HOUSE",
        "a00",
        "0000A0",
        "0000a001",
        "A003",
        "site ähre",
        "2",
        "1",
        "zoo 1",
        "eet 2",
        "nothing like it",
    ];
    let words = words[dice.place(words.len())];
    Filter {
        words: words.to_owned(),
        kind: [None, None, Some(Kind::Locked), Some(Kind::Offline)][usize::from(dice.throw(4))],
        wrong: [None, None, Some(Wrong::Anything), Some(Wrong::This(Problem::Jammed))]
            [usize::from(dice.throw(4))],
        place: [None, None, Some(Place::InNoGroup), Some(Place::Within(GroupId(1)))]
            [usize::from(dice.throw(4))],
        device_type: [None, None, Some(DeviceType::Box)][usize::from(dice.throw(3))],
    }
}

#[test]
fn every_page_of_every_order_and_filter_is_what_it_should_be_whatever_changed_before() {
    let mut dice = Dice(7);
    let mut devices: Vec<Device> = (1..=120).map(|id| device(id, &mut dice)).collect();
    let mut roster = Roster::default();
    roster.regroup(tree());
    roster.add(&devices);
    roster.order();
    for round in 0..1_200_i64 {
        match dice.throw(4) {
            0 => {
                let new = device(200 + round, &mut dice);
                roster.put(&new);
                devices.push(new);
            }
            1 => {
                let gone = devices.swap_remove(dice.place(devices.len()));
                roster.remove(gone.id);
            }
            _ => {
                let at = dice.place(devices.len());
                devices[at] = device(devices[at].id.0, &mut dice);
                roster.put(&devices[at]);
            }
        }
        let scope = match dice.throw(3) {
            0 => Scope::Only(devices.iter().map(|device| device.id).filter(|id| id.0 % 3 == 0).collect()),
            _ => Scope::All,
        };
        let mut query = ListQuery {
            filter: any_filter(&mut dice),
            order: ListOrder::ALL[usize::from(dice.throw(6))],
            by_group: dice.throw(2) == 0,
            after: None,
            limit: 1 + usize::from(dice.throw(40)),
        };
        let right = by_definition(&devices, &query, &scope);
        assert_eq!(roster.matching(&query, &scope, Time(1_000)), right, "{query:?}");
        let mut turned = Vec::new();
        loop {
            let page = roster.page(&query, &scope, Time(1_000));
            assert!(page.devices.len() <= query.limit);
            assert_eq!(page.total, right.len());
            turned.extend(page.devices);
            query.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(turned, right, "page by page: {query:?}");
    }
}

#[test]
fn who_types_a_name_finds_it_first_and_no_number_in_the_middle_of_a_nuki_id() {
    let mut dice = Dice(5);
    let mut roster = Roster::default();
    let flats = (1..=140).map(|number| Device {
        name: format!("Flat {number}"),
        nuki_id: Some(0x3A00_4000 + u32::try_from(number).unwrap()),
        group: None,
        favourite: matches!(number, 7 | 40 | 70 | 140),
        ..device(number, &mut dice)
    });
    roster.add(&flats.collect::<Vec<_>>());
    for (id, name) in [(200, "Old Flat 40"), (201, "Mansard, (flat) 7a")] {
        let any = device(id, &mut dice);
        roster.add(&[Device { name: name.to_owned(), group: None, favourite: false, ..any }]);
    }
    roster.order();
    let found = |words: &str, order| {
        let filter = Filter { words: words.to_owned(), ..Filter::default() };
        let query = ListQuery { filter, order, ..ListQuery::default() };
        roster.matching(&query, &Scope::All, Time(0)).into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(found("Flat 40", ListOrder::Name), [40, 200, 140]);
    assert_eq!(found(" flat  40 ", ListOrder::Favourites), [40, 200, 140]);
    assert_eq!(found("40 FLAT", ListOrder::Name), [40, 200, 140], "the order of the words is free");
    assert_eq!(found("flat 40", ListOrder::NameBackwards), [200, 140, 40], "as it was asked for");
    let sevens = found("flat 7", ListOrder::Favourites);
    assert_eq!(sevens[..3], [7, 70, 71], "what is called so, then a favourite that begins so");
    assert_eq!((sevens.len(), sevens[11]), (24, 201), "{sevens:?}");
    assert_eq!(sevens[12..15], [17, 27, 37]);
    assert_eq!(found("3a00", ListOrder::Name).len(), 140);
    assert_eq!(found("3A004021", ListOrder::Name), [0x21]);
    assert!(found("4021", ListOrder::Name).is_empty() && found("3a0", ListOrder::Name).is_empty());
}

#[test]
fn groups_count_what_is_below_them_and_a_narrow_scope_knows_of_no_others() {
    let mut dice = Dice(3);
    let mut all: Vec<Device> = (1..=6).map(|id| device(id, &mut dice)).collect();
    for (device, group) in all.iter_mut().zip([Some(1), Some(2), Some(2), Some(3), None, None]) {
        device.group = group.map(GroupId);
        (device.nuki_id, device.link.online) = (Some(1), true);
        (device.kind, device.said.state) = (Some(DeviceType::SmartLock5), Some(LockState::Locked));
    }
    let mut roster = Roster::default();
    roster.regroup(tree());
    roster.add(&all);
    roster.order();
    let names = |page: &ListPage| {
        page.groups.iter().map(|one| (one.group.name.clone(), one.counts.total())).collect::<Vec<_>>()
    };
    let page = roster.page(&ListQuery::default(), &Scope::All, Time(0));
    let right =
        [("Elsewhere", 1), ("Site A", 3), ("House 4", 2)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(names(&page), right);
    assert_eq!((page.in_no_group.of(Kind::Locked), page.counts.of(Kind::Locked), page.all), (2, 6, 6));
    let narrow = Scope::Only(BTreeSet::from([DeviceId(2)]));
    let page = roster.page(&ListQuery::default(), &narrow, Time(0));
    assert_eq!(names(&page), [("Site A".to_owned(), 1), ("House 4".to_owned(), 1)]);
    let nothing = Filter { kind: Some(Kind::Offline), ..Filter::default() };
    let page = roster.page(&ListQuery { filter: nothing, ..ListQuery::default() }, &Scope::All, Time(0));
    assert_eq!(
        (page.total, page.counts.of(Kind::Locked)),
        (0, 6),
        "the kinds are counted without the kind asked for"
    );
    assert_eq!(names(&page).iter().map(|(_, count)| count).sum::<usize>(), 0);
}
