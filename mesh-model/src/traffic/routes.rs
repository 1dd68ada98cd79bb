//! Dividing routes: each destination that is an own Service becomes two, home and away.
//!
//! Weights are kept whole and exact: what was a share of a route stays that share.
//! Where the parts are whole percents of the route they are written so, and sum
//! up to 100; else they are the smallest whole numbers with these proportions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{AWAY, HOME, Hosts, Places, SteerError, SteerProblem, way};
use crate::patch::Operation;
use crate::template::TemplateId;
use crate::units::Share;

/// A host of an own Service, and the subset of the team's that a route asked for.
pub(super) type Wanted = (String, Option<String>);

/// What becomes of one VirtualService.
pub(super) struct Split {
    /// What is to be changed.
    pub(super) operations: Vec<Operation>,
    /// What subsets that needs.
    pub(super) wanted: BTreeSet<Wanted>,
}

/// What a subset of ours is called.
pub(super) fn subset_name(of: &str, subset: Option<&str>) -> String {
    subset.map_or_else(|| of.to_owned(), |subset| format!("{of}-{subset}"))
}

/// Divides all routes of a VirtualService.
pub(super) fn split(
    id: &TemplateId,
    object: &Value,
    own: &Hosts,
    places: &Places,
) -> Result<Split, SteerError> {
    let mut split = Split { operations: Vec::new(), wanted: BTreeSet::new() };
    for section in ["http", "tls", "tcp"] {
        let routes = object.pointer(&format!("/spec/{section}")).and_then(Value::as_array);
        for (position, route) in routes.into_iter().flatten().enumerate() {
            let Some(list) = route.get("route").and_then(Value::as_array) else { continue };
            let at = ["spec", section, &position.to_string(), "route"];
            divide(list, &at, own, places.local, &mut split).map_err(|problem| SteerError {
                object: id.clone(),
                path: way(&at),
                problem,
            })?;
        }
    }
    Ok(split)
}

/// Divides one list of destinations at `at`.
fn divide(
    list: &[Value],
    at: &[&str],
    own: &Hosts,
    local: Share,
    split: &mut Split,
) -> Result<(), SteerProblem> {
    let text = |destination: &Value, field: &str| {
        destination.pointer(&format!("/destination/{field}")).and_then(Value::as_str).map(str::to_owned)
    };
    let hosts: Vec<Option<String>> =
        list.iter().map(|one| text(one, "host").and_then(|host| own.own(&host))).collect();
    if hosts.iter().all(Option::is_none) {
        return Ok(());
    }
    let parts = weights(list, &hosts, local)?;
    // from the last to the first, so that what is inserted moves nothing that is still to come
    for position in (0..list.len()).rev() {
        let here = |rest: &[&str]| way(&[at, &[&position.to_string()], rest].concat());
        let (home, away) = parts[position];
        if list.len() > 1 || away > 0 || list[position].get("weight").is_some() {
            let weight = if home > 0 { home } else { away };
            split.operations.push(Operation::Add { path: here(&["weight"]), value: json!(weight) });
        }
        let Some(host) = &hosts[position] else { continue };
        let subset = text(&list[position], "subset");
        let name = |of| json!(subset_name(of, subset.as_deref()));
        // what has no weight leads to where the rest does: the other subset may not be there
        let first = if home > 0 || away == 0 && local != Share::NONE { HOME } else { AWAY };
        let path = here(&["destination", "subset"]);
        split.operations.push(Operation::Add { path, value: name(first) });
        if home > 0 && away > 0 {
            let mut other = list[position].clone();
            other["weight"] = json!(away);
            other["destination"]["subset"] = name(AWAY);
            let path = way(&[at, &[&(position + 1).to_string()]].concat());
            split.operations.push(Operation::Add { path, value: other });
        }
        split.wanted.insert((host.clone(), subset));
    }
    Ok(())
}

/// The weights at home and away of each destination; what is not ours has all of it in the first.
fn weights(list: &[Value], hosts: &[Option<String>], local: Share) -> Result<Vec<(u64, u64)>, SteerProblem> {
    let weight = |one: &Value| match one.get("weight").and_then(Value::as_u64) {
        Some(weight) => weight,
        None => u64::from(list.len() == 1) * 100,
    };
    let whole = u64::from(Share::ALL.as_millionths());
    let local = u64::from(local.as_millionths());
    let part = |(one, host): (&Value, &Option<String>)| {
        let weight = weight(one);
        let part = |millionths| weight.checked_mul(millionths).ok_or(SteerProblem::Weights);
        if host.is_some() { Ok((part(local)?, part(whole - local)?)) } else { Ok((part(whole)?, 0)) }
    };
    let parts: Vec<(u64, u64)> = list.iter().zip(hosts).map(part).collect::<Result<_, SteerProblem>>()?;
    let all = || parts.iter().flat_map(|(home, away)| [*home, *away]);
    let total = all().try_fold(0_u64, u64::checked_add).ok_or(SteerProblem::Weights)?;
    if total == 0 {
        return Ok(parts);
    }
    let percent = |part: u64| u128::from(part) * 100;
    let are_percents = all().all(|part| percent(part).is_multiple_of(u128::from(total)));
    let scale = |part: u64| {
        let scaled = if are_percents {
            u64::try_from(percent(part) / u128::from(total)).expect("100 at most")
        } else {
            part / all().fold(0, greatest_common_divisor)
        };
        // Istio's weights are of 32 bits, and so is their sum in Envoy
        if scaled > u64::from(u32::MAX) / 2 { Err(SteerProblem::Weights) } else { Ok(scaled) }
    };
    parts.iter().map(|(home, away)| Ok((scale(*home)?, scale(*away)?))).collect()
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}
