//! A gateway shared by many: the fault of one access point is its own alone.

use proptest::prelude::*;

use super::*;

/// What may be wrong with an access point, by where and what; the first is nothing.
fn faults() -> Vec<Option<(&'static str, Value)>> {
    let shape = ("0/spec/ports/0/port", json!("eighty"));
    vec![
        None,
        Some(("2/spec/http/0/timeout", json!("soon"))),
        Some(("2/spec/http/0/route/0/destination/host", json!("nobody"))),
        Some(("2/spec/http/0/delegate", json!({ "name": "other" }))),
        Some(("1/spec/servers/0/port/number", json!(70_000))),
        Some(shape),
    ]
}

/// An access point by its number among all, what is wrong with it, and which address it has.
#[derive(Clone, Debug)]
struct One {
    fault: usize,
    address: u8,
    is_named_as_before: bool,
}

fn all() -> impl Strategy<Value = Vec<One>> {
    let one = (0..faults().len() * 2, 0..12_u8, prop::bool::weighted(0.1)).prop_map(
        |(fault, address, is_named_as_before)| One {
            // most are sound
            fault: fault.saturating_sub(faults().len()),
            address,
            is_named_as_before,
        },
    );
    prop::collection::vec(one, 0..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_fault_is_its_own_access_points_alone(all in all()) {
        let web = web();
        let objects: Vec<Vec<Value>> = all
            .iter()
            .zip(0..)
            .map(|(one, number)| {
                let changes: Vec<(&str, Value)> = faults()[one.fault].clone().into_iter().collect();
                simple(&format!("{number}.example.com"), &changes)
            })
            .collect();
        let inputs: Vec<GatewayInput<'_>> = all
            .iter()
            .zip(&objects)
            .enumerate()
            .map(|(number, (one, objects))| {
                let name = number - usize::from(one.is_named_as_before && number > 0);
                input(&format!("shop/a{name}"), &format!("203.0.113.{}", one.address), objects, &web)
            })
            .collect();
        let whole = configure(&proxy(), &inputs);
        // who is sound, by a model: nothing is wrong with it, and nobody sound before has its address or name
        let (mut addresses, mut names, mut sound) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (one, input) in all.iter().zip(&inputs) {
            let is_first = names.insert(input.access_point.clone());
            if is_first && one.fault == 0 && addresses.insert(one.address) {
                sound.push(input.clone());
            }
        }
        let alone = configure(&proxy(), &sound);
        prop_assert!(alone.refused.is_empty());
        let bytes = |config: &EnvoyConfig| serde_json::to_vec(config).unwrap();
        prop_assert_eq!(bytes(&whole.config), bytes(&alone.config));
        prop_assert_eq!(whole.config.listeners.len(), sound.len());
        // everybody else is named, with what is wrong, and nobody else's name
        let is_refused = |input: &GatewayInput<'_>| whole.refused.contains_key(&input.access_point);
        prop_assert_eq!(inputs.iter().all(|one| is_refused(one) || sound.iter().any(|of| of.access_point == one.access_point)), true);
        for (of, faults) in &whole.refused {
            prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.access_point == *of));
        }
    }
}

#[test]
fn who_comes_first_has_the_address_and_a_fault_holds_none() {
    let (one, other) = (simple("a.example.com", &[]), simple("b.example.com", &[]));
    let broken = simple("a.example.com", &[("2/spec/http/0/timeout", json!("soon"))]);
    let web = web();
    let at = |name, objects| input(name, "203.0.113.10", objects, &web);
    let (a, b) = (at("shop/a", &one[..]), at("shop/b", &other[..]));
    let address = "203.0.113.10:80".parse().unwrap();
    for (inputs, first, second) in
        [([a.clone(), b.clone()], "shop/a", "shop/b"), ([b.clone(), a], "shop/b", "shop/a")]
    {
        let both = configure(&proxy(), &inputs);
        assert_eq!(both.config.listeners.keys().collect::<Vec<_>>(), [&format!("{first}:80")]);
        let taken = Feature::AddressTaken { address, owner: id(first) };
        let blamed: Vec<_> =
            both.refused.iter().map(|(id, faults)| (id.clone(), faults[0].feature.clone())).collect();
        assert_eq!(blamed, [(id(second), taken)]);
    }
    // what is refused holds no address, so who is kept with what it had before comes first
    let both = configure(&proxy(), &[at("shop/a", &broken), b.clone()]);
    assert_eq!(both.config.listeners.keys().collect::<Vec<_>>(), ["shop/b:80"]);
    let kept = configure(&proxy(), &[at("shop/a", &one), b]);
    assert_eq!(kept.config.listeners.keys().collect::<Vec<_>>(), ["shop/a:80"]);
}

#[test]
fn addresses_are_of_one_access_point() {
    let (objects, web) = (simple("a.example.com", &[]), web());
    let faults = |vips: &[&str]| {
        let mut given = input("shop/a", "203.0.113.10", &objects, &web);
        given.vips = vips.iter().map(|vip| vip.parse().unwrap()).collect();
        configure(&proxy(), &[given]).whole().err().map(|faults| faults[0].to_string())
    };
    assert_eq!(faults(&["203.0.113.10", "2001:db8::1"]), None);
    let words = |address| {
        Some(format!("shop/a: {address} is not the address of one access point; give it one that is"))
    };
    assert_eq!(faults(&["0.0.0.0"]), words("0.0.0.0"));
    assert_eq!(faults(&["::"]), words("::"));
    assert_eq!(faults(&["224.0.0.1"]), words("224.0.0.1"));
    // the same in two ways of writing
    assert_eq!(faults(&["203.0.113.10", "::ffff:203.0.113.10"]), words("203.0.113.10"));
    assert_eq!(
        faults(&[]).unwrap(),
        "shop/a: there is no virtual address to listen on; wait until one is allocated"
    );
}

#[test]
fn two_objects_of_one_name_are_none() {
    let mut objects = simple("a.example.com", &[]);
    objects.push(objects[1].clone());
    assert_eq!(
        refused(&objects),
        ["shop/edge: Gateway/edge: there are two objects of this kind and name; remove one"]
    );
}
