//! Every page of the log is read from its index, in the index's order: the database is asked how it would.

use super::*;
use crate::db::plans::plans;
use crate::devices::LockAction;

#[tokio::test]
async fn every_page_comes_from_its_index_without_sorting() {
    let indexes = [
        &["activity_newest"][..],
        &["activity_of_device"],
        &["activity_of_action"],
        &["activity_of_device", "activity_of_action"],
        &["activity_newest"],
        &["activity_of_device"],
    ];
    let asked = [PAGE, PAGE_OF_DEVICE, PAGE_OF_ACTION, PAGE_OF_BOTH, FROM_PLACE, FROM_PLACE_OF_DEVICE];
    let plans = plans(&asked).await;
    for (plan, indexes) in plans.into_iter().zip(indexes) {
        let from_index = indexes.iter().any(|index| {
            let way = ["INDEX", "COVERING INDEX"].map(|how| format!("SEARCH activity USING {how} {index}"));
            way.iter().any(|way| plan.contains(way))
        });
        assert!(from_index && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[test]
fn the_query_for_the_web_api_names_exactly_the_kinds_it_has_a_number_for() {
    let numbers = Happening::IN_WEB_API.map(|happening| happening.in_table().to_string()).join(", ");
    for sql in [PAGE, PAGE_OF_DEVICE, PAGE_OF_ACTION, PAGE_OF_BOTH] {
        assert!(sql.contains(&format!("action in ({numbers})")), "{sql}");
    }
}

#[test]
fn an_action_without_a_name_never_reads_as_one_that_has_one() {
    for number in 0..=u8::MAX {
        let happening = Happening::from(LockAction::from_code(number));
        assert_eq!(Happening::from_table(happening.in_table()), happening, "{number}");
        if matches!(LockAction::from_code(number), LockAction::Other(_)) {
            assert_eq!(
                (happening, happening.in_table()),
                (Happening::Other(number), 1_000 + i64::from(number))
            );
        }
    }
}
