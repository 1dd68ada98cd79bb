//! Routes at Gateways of the own namespace that no access point has.
//!
//! Whose Gateway it is does not matter: an access point may be the routes at another's. So the Gateways of all forms
//! are gathered, and what no form of its own has is held against those of other access points in the end. In
//! another namespace a Gateway may well be that nobody here knows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::forms::{On, Place, Sites, names};
use super::objects::pointer;
use super::{Code, Report};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::template::view::gateway_name;
use crate::template::{Template, TemplateKind};

/// The Gateways that there are, and those that routes name.
#[derive(Default)]
pub(super) struct Gateways {
    /// By namespace and name, the numbers of the access points that have them.
    known: BTreeMap<Name, BTreeMap<String, BTreeSet<usize>>>,
    wanted: BTreeMap<Wanted, On>,
}

/// A Gateway that its access point does not have.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    /// The access point's number.
    by: usize,
    place: Place,
    name: String,
}

impl Gateways {
    /// Adds the Gateways of a form of an access point, by its number, and those that its routes name in vain.
    pub(super) fn gather(&mut self, by: usize, form: &AccessPoint, on: &[Target<'_>]) {
        let namespace = &form.id.namespace;
        let of = |kind| form.templates.iter().filter(move |one| one.id.kind == kind);
        let own: BTreeSet<&str> = of(TemplateKind::Gateway).map(|one| &*one.id.name).collect();
        for name in &own {
            let known = self.known.entry(namespace.clone()).or_default();
            known.entry((*name).to_owned()).or_default().insert(by);
        }
        for template in of(TemplateKind::VirtualService) {
            for (position, name) in named(template, namespace).filter(|(_, name)| !own.contains(&**name)) {
                let at = pointer(&["spec", "gateways", &position.to_string()]);
                let wanted = Wanted { by, place: (template.id.clone(), at), name };
                self.wanted.entry(wanted).or_default().extend(names(on));
            }
        }
    }

    /// Tells the routes that nothing reaches.
    pub(super) fn check(&self, access_points: &[AccessPoint], sites: &mut Sites<'_>, report: &mut Report) {
        for (Wanted { by, place, name }, on) in &self.wanted {
            let access_point = &access_points[*by];
            let namespace = &access_point.id.namespace;
            let known = self.known.get(namespace);
            // its own is there on other targets than these
            let of_others = |having: &BTreeSet<usize>| having.iter().any(|other| other != by);
            if known.and_then(|known| known.get(name)).is_some_and(of_others) {
                continue;
            }
            let others = known.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
            let near = did_you_mean(nearest(name, others.filter(|other| other != name)));
            let message = format!(
                "no access point has the Gateway `{namespace}/{name}`, so nothing reaches these routes{near}"
            );
            let fix = "add the Gateway, or correct the name; one of another namespace is namespace/name";
            sites.tell((access_point, place), on, (Code::UnknownGateway, message, fix), report);
        }
    }
}

/// The Gateways of the own namespace that a VirtualService names, by their place in its list.
fn named(template: &Template, namespace: &Name) -> impl Iterator<Item = (usize, String)> {
    let list = template.object.pointer("/spec/gateways").and_then(Value::as_array);
    list.into_iter().flatten().enumerate().filter_map(move |(position, gateway)| {
        let gateway = gateway.as_str().filter(|gateway| *gateway != "mesh")?;
        let full = gateway_name(gateway, namespace);
        let (owner, name) = full.split_once('/')?;
        (owner == namespace.as_str()).then(|| (position, name.to_owned()))
    })
}
