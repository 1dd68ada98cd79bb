//! Aliases that lead back to themselves: each of their names is refused by name, and the others go on.

use super::*;

fn to(name: &str, target: &str) -> Wanted {
    let owner = name.replace('*', "star").replace('.', "-");
    alias(&format!("{name}.example.com"), &format!("n/{owner}"), &format!("{target}.example.com"))
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

/// RFC 4592: a star answers for what is not there itself and below nothing that is.
#[test]
fn a_star_closes_a_circle_where_it_answers() {
    let star = |name: &str| to(name, "a");
    let told = |name: &str, target: &str| told(name, target, 2);
    let both = |name: &str| vec![told(name, "a"), told("a", "x.w")];
    let shop = |name: &str| leads(&format!("{name}.example.com"), vec![member("n/shop@a 10.0.0.1")]);
    type Case = (&'static str, Vec<Wanted>, Vec<String>);
    let cases: [Case; 9] = [
        ("the nearest", vec![star("*.w")], both("*.w")),
        ("one further above", vec![star("*")], both("*")),
        ("the name is there", vec![star("*.w"), shop("x.w")], vec![]),
        ("a nearer star leads elsewhere", vec![star("*"), shop("*.w")], vec![]),
        ("the nearer one is it", vec![star("*.w"), shop("*"), shop("w")], both("*.w")),
        ("a name between is there, and nothing below it", vec![star("*"), shop("w")], vec![]),
        ("the name is there for one below it alone", vec![star("*.w"), shop("y.x.w")], vec![]),
        ("a name between is there for one below it alone", vec![star("*"), shop("y.w")], vec![]),
        ("another name is there", vec![star("*.w"), shop("y.w")], both("*.w")),
    ];
    for (what, others, expected) in cases {
        let wanted = [vec![to("a", "x.w")], others.clone()].concat();
        // from nothing, and where what has addresses is settled
        let is_alias = |wanted: &Wanted| matches!(wanted.answer, Answer::Alias { .. });
        let shops = others.into_iter().filter(|wanted| !is_alias(wanted)).collect();
        for records in [Vec::new(), settled(shops)] {
            let plan = plan(&wanted, &records, &provider("0"), None);
            assert_eq!(errors(&plan), expected, "{what}");
        }
    }
}

#[test]
fn a_star_that_is_an_alias_of_what_it_answers_for() {
    let star = [to("*", "a")];
    let told = "*.example.com: it is an alias of a.example.com, which has no records and is answered by it, so that no \
                address is ever found; nothing of it is changed: let one of these lead to addresses, or elsewhere";
    assert_eq!(errors(&plan(&star, &[], &provider("0"), None)), [told]);
    let others = [record("a.example.com", "A", &["10.9.9.9"])];
    assert_eq!(errors(&plan(&star, &others, &provider("0"), None)), Vec::<String>::new());
}

#[test]
fn a_planner_finds_a_circle_by_a_star_when_what_hid_it_goes() {
    let mut planner = Planner::new(provider("100%"), Vec::new());
    for wanted in [to("a", "x.w"), to("*.w", "a"), leads("x.w.example.com", vec![member("n/x@a 10.0.0.1")])] {
        planner.handle_wanted(&wanted.name.clone(), vec![wanted]);
    }
    assert_eq!(errors(&planner.plan(None)), Vec::<String>::new());
    let hidden = "x.w.example.com".parse().unwrap();
    planner.handle_wanted(&hidden, Vec::new());
    assert_eq!(errors(&planner.plan(None)), [told("*.w", "a", 2), told("a", "x.w", 2)]);
    planner.handle_wanted(&hidden, vec![leads("x.w.example.com", vec![member("n/x@a 10.0.0.1")])]);
    let open = planner.plan(None);
    assert_eq!((errors(&open).len(), open.changes.len()), (0, 6));
}

/// What somebody else wrote is passed on a way as any alias is, and is nobody's fault here.
#[test]
fn an_alias_of_somebody_else_closes_a_circle_and_is_let_be() {
    let theirs = record("b.example.com", "CNAME", &["a.example.com"]);
    let plan_of = |wanted: &[Wanted]| plan(wanted, std::slice::from_ref(&theirs), &provider("0"), None);
    let plan = plan_of(&[to("a", "b"), to("c", "b")]);
    assert_eq!(errors(&plan), [told("a", "b", 2)]);
    assert_eq!(plan.changes.len(), 2, "c leads into it only: {:?}", plan.changes);
    assert_eq!(errors(&plan_of(&[to("c", "b")])), Vec::<String>::new());
}
