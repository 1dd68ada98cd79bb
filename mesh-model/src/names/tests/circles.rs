//! Aliases that lead back to themselves: each of their names is refused by name, and the others go on.

use super::*;

fn to(name: &str, target: &str) -> Wanted {
    alias(&format!("{name}.example.com"), &format!("n/{name}"), &format!("{target}.example.com"))
}

fn told(name: &str, target: &str, length: usize) -> String {
    format!(
        "{name}.example.com: it is an alias of {target}.example.com, which leads back to it in a circle of {length} names, so that \
         no address is ever found; nothing of it is changed: let one of these lead to addresses, or elsewhere"
    )
}

#[test]
fn each_name_of_a_circle_is_refused_and_others_go_on() {
    let wanted = [
        to("a", "b"),
        to("b", "c"),
        to("c", "a"),
        to("leads-in", "a"),
        to("x", "y"),
        to("y", "x"),
        to("fine", "shop"),
        leads(SHOP, vec![member("n/shop@a 10.0.0.1")]),
    ];
    let plan = plan(&wanted, &[], &provider("0"), None);
    let expected =
        [told("a", "b", 3), told("b", "c", 3), told("c", "a", 3), told("x", "y", 2), told("y", "x", 2)];
    assert_eq!(errors(&plan), expected);
    let mut records = Vec::new();
    make(&plan.changes, &mut records);
    let names: Vec<&str> = records
        .iter()
        .filter(|record| record.kind != RecordKind::Txt)
        .map(|record| record.name.as_str())
        .collect();
    assert_eq!(names, ["fine.example.com", "leads-in.example.com", "shop.example.com"]);
}

/// A mistake changes nothing: not what is there, and not who was to go.
#[test]
fn what_is_published_stays_as_it_is() {
    let both =
        [leads("a.example.com", vec![member("n/a@s 10.0.0.1"), member("n/a@t 10.0.0.2")]), to("b", "a")];
    let records = settled(both.to_vec());
    let planned = plan(&[to("a", "b"), to("b", "a")], &records, &provider("100%"), None);
    assert_eq!(errors(&planned), [told("a", "b", 2), told("b", "a", 2)]);
    assert_eq!((planned.changes, planned.deletions, planned.hash), (vec![], 0, None));
    // an alias of somebody who gets none leads nowhere
    let wanted = [to("a", "b"), both[0].clone(), to("b", "a")];
    let planned = plan(&wanted, &records, &provider("0"), None);
    assert_eq!(
        (planned.changes.len(), planned.errors.len()),
        (0, 1),
        "addresses win: {:?}",
        errors(&planned)
    );
}

#[test]
fn a_planner_finds_a_circle_that_comes_and_one_that_goes() {
    let mut planner = Planner::new(provider("0"), Vec::new());
    let mut want = |wanted: Wanted| {
        planner.handle_wanted(&wanted.name.clone(), vec![wanted]);
        let plan = planner.plan(None);
        assert_eq!(planner.plan(None), plan, "the same again");
        (plan.changes.len(), errors(&plan))
    };
    assert_eq!(want(to("a", "b")), (2, vec![]));
    assert_eq!(want(to("b", "c")), (4, vec![]));
    let circle = vec![told("a", "b", 3), told("b", "c", 3), told("c", "a", 3)];
    assert_eq!(want(to("c", "a")), (0, circle.clone()));
    let ttl = Wanted { ttl: Duration::from_secs(60), ..to("a", "b") };
    assert_eq!(want(ttl), (0, circle), "looked at again, it is still in it");
    assert_eq!(want(to("c", "b")), (2, vec![told("b", "c", 2), told("c", "b", 2)]), "a leads into it only");
    assert_eq!(want(leads("b.example.com", vec![member("n/b@t 10.0.0.1")])), (6, vec![]));
}
