//! Hosts of the mesh: who declares each on which targets, and what leads to them.
//!
//! Overrides and placements make of a host something else on each target, so what forms declare and what they lead
//! to is gathered from all of them, and the two are held against each other in the end. A ServiceEntry is read in
//! its own cluster alone; a Service may be seen from other clusters, too, and is taken to be where its own has none.
//!
//! Sources: istio/istio `pilot/pkg/serviceregistry/aggregate/controller.go` (`Services`: of several clusters the
//! configuration's own is the first), istio/api `service_entry.proto`.

use std::collections::{BTreeMap, BTreeSet};

use super::forms::{On, Place, Sites, listed, names};
use super::objects::is_overridden;
use super::{Code, FleetFacts, Report};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::name::Name;
use crate::nearest::{did_you_mean, nearest};
use crate::template::TemplateKind;
use crate::traffic::full_host;
use crate::visibility::{ExportTo, hosts_of};

/// What the full name of a Service ends with.
const CLUSTER_DOMAIN: &str = ".svc.cluster.local";

/// Hosts that forms declare and lead to.
pub(super) struct Hosts<'a> {
    facts: Option<&'a FleetFacts>,
    /// Who sees what says nothing.
    mesh: ExportTo,
    access_points: Vec<&'a AccessPoint>,
    declared: BTreeMap<String, BTreeMap<Declared, On>>,
    asked: BTreeMap<Asked, On>,
    /// Of each access point the Services that no route leads to.
    idle: Vec<BTreeMap<String, On>>,
    /// Whether an entry is changed where no target is known: it may declare any host.
    is_open: bool,
}

/// What says that there is a host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Declared {
    owner: Name,
    kind: TemplateKind,
    /// Who sees it; `None` if nobody knows, for an override changes it on targets that are not known.
    export: Option<ExportTo>,
}

/// What leads to a host.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    /// The access point's number.
    by: usize,
    place: Place,
    leads: Leads,
}

/// A host and who is to find it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leads {
    /// The host in full.
    pub(super) host: String,
    /// The namespaces of those who are to see it; none where that is told elsewhere.
    pub(super) viewers: BTreeSet<Name>,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(facts: Option<&'a FleetFacts>) -> Self {
        let mesh = facts.map(|facts| &facts.default_export).cloned().unwrap_or_default();
        let (declared, asked) = (BTreeMap::new(), BTreeMap::new());
        Self { facts, mesh, access_points: Vec::new(), declared, asked, idle: Vec::new(), is_open: false }
    }

    /// Begins with the forms of an access point.
    pub(super) fn begin(&mut self, access_point: &'a AccessPoint) {
        self.access_points.push(access_point);
        self.idle.push(BTreeMap::new());
    }

    /// Who sees what says nothing.
    pub(super) const fn mesh(&self) -> &ExportTo {
        &self.mesh
    }

    /// Whether all services of the mesh are known.
    pub(super) fn is_all(&self) -> bool {
        self.services().is_some()
    }

    fn services(&self) -> Option<&'a BTreeMap<String, crate::footprint::MeshService>> {
        self.facts.and_then(|facts| facts.services.as_ref())
    }

    /// Adds what a form declares on these targets.
    pub(super) fn declare(&mut self, form: &AccessPoint, on: &[Target<'_>]) {
        let owner = &form.id.namespace;
        for template in &form.templates {
            let kind = template.id.kind;
            if !matches!(kind, TemplateKind::Service | TemplateKind::ServiceEntry) {
                continue;
            }
            let is_known = !is_overridden(form, template);
            self.is_open |= !is_known && self.facts.is_none() && kind == TemplateKind::ServiceEntry;
            let export = is_known.then(|| ExportTo::of(&template.object).unwrap_or_default());
            let declared = Declared { owner: owner.clone(), kind, export };
            for host in hosts_of(kind, &template.object, owner) {
                let known = self.declared.entry(host).or_default().entry(declared.clone()).or_default();
                known.extend(names(on));
            }
        }
    }

    /// Adds Services of the last access point that no route of a form leads to.
    pub(super) fn leave_idle<'n>(&mut self, names_of: impl Iterator<Item = &'n str>, on: &[Target<'_>]) {
        let idle = self.idle.last_mut().expect("it was begun");
        for name in names_of {
            idle.entry(name.to_owned()).or_default().extend(names(on));
        }
    }

    /// Adds what a form of the last access point leads to on these targets.
    pub(super) fn ask(&mut self, place: Place, leads: Leads, on: &[Target<'_>]) {
        // most hosts are an access point's own, and seen by all who are to see them
        let is_found = |on: Option<&Name>| {
            let local = self.local(&leads.host, on);
            !local.is_empty() && leads.viewers.iter().all(|viewer| self.is_seen(&local, viewer))
        };
        let mut clusters = on.iter().map(|target| Some(&target.cluster.name));
        let is_found = if on.is_empty() { is_found(None) } else { clusters.all(is_found) };
        if !is_found {
            let by = self.access_points.len() - 1;
            self.asked.entry(Asked { by, place, leads }).or_default().extend(names(on));
        }
    }

    /// What declares a host in a cluster itself, or anywhere if it is not said in which.
    fn local(&self, host: &str, cluster: Option<&Name>) -> Vec<&Declared> {
        let here = |on: &On| on.is_empty() || cluster.is_none_or(|cluster| on.contains(cluster));
        let all = self.declared.get(host).into_iter().flatten();
        all.filter(|(_, on)| here(on)).map(|(declared, _)| declared).collect()
    }

    /// The same, and what may be seen from other clusters if there is none.
    fn found(&self, host: &str, cluster: Option<&Name>) -> Vec<&Declared> {
        let local = self.local(host, cluster);
        if !local.is_empty() {
            return local;
        }
        let all = self.declared.get(host).into_iter().flatten().map(|(declared, _)| declared);
        all.filter(|declared| declared.kind == TemplateKind::Service).collect()
    }

    fn is_seen(&self, found: &[&Declared], viewer: &Name) -> bool {
        let shows = |export: &ExportTo, owner| export.or(&self.mesh).shows(owner, viewer);
        found.iter().any(|one| one.export.as_ref().is_none_or(|export| shows(export, &one.owner)))
    }

    /// Tells what leads to hosts that are not there, or that are hidden.
    pub(super) fn check(&self, sites: &mut Sites<'_>, report: &mut Report) {
        let beside = self.by_namespace();
        for (asked, on) in &self.asked {
            let leads = &asked.leads;
            let service = self.services().and_then(|all| all.get(&leads.host));
            let clusters: Vec<Option<&Name>> =
                if on.is_empty() { vec![None] } else { on.iter().map(Some).collect() };
            let (mut missing, mut hidden): (Vec<&Name>, BTreeMap<&Name, On>) = Default::default();
            let mut is_missing = false;
            for cluster in clusters {
                let found = self.found(&leads.host, cluster);
                if found.is_empty() && service.is_none() {
                    is_missing = true;
                    missing.extend(cluster);
                    continue;
                }
                let is_seen = |viewer: &&Name| match service.filter(|_| found.is_empty()) {
                    Some(service) => service.export.or(&self.mesh).shows(&service.namespace, viewer),
                    None => self.is_seen(&found, viewer),
                };
                for viewer in leads.viewers.iter().filter(|viewer| !is_seen(viewer)) {
                    hidden.entry(viewer).or_default().extend(cluster.cloned());
                }
            }
            if is_missing {
                self.tell_missing(asked, &missing.into_iter().cloned().collect(), &beside, sites, report);
            }
            for (viewer, on) in hidden {
                let message = format!(
                    "{} is hidden from namespace {viewer}, so requests to it find no cluster",
                    leads.host
                );
                let fix = "add that namespace to the exportTo of the host";
                let of = self.access_points[asked.by];
                sites.tell((of, &asked.place), &on, (Code::HiddenHost, message, fix), report);
            }
        }
    }

    /// Of each namespace of which something is known, where all services are. Where they are not, one of the own
    /// namespace that is not here may well be; unless it is nearly the name of a Service that no route leads to.
    fn tell_missing(
        &self,
        asked: &Asked,
        on: &On,
        beside: &BTreeMap<&str, Vec<&str>>,
        sites: &mut Sites<'_>,
        report: &mut Report,
    ) {
        let (of, host) = (self.access_points[asked.by], &asked.leads.host);
        let Some((name, rest)) = of_cluster(host).filter(|_| !self.is_open) else { return };
        let is_own = host.ends_with(full_host("", &of.id.namespace).as_str());
        let (near, is_told) = if self.is_all() {
            let names = beside.get(rest);
            (names.and_then(|names| nearest(name, names.iter().copied())), is_own || names.is_some())
        } else {
            let idle = self.idle[asked.by].iter().filter(|(_, idle)| is_own && on.is_subset(idle));
            let near = nearest(name, idle.map(|(name, _)| name.as_str()));
            (near, near.is_some())
        };
        if is_told {
            let elsewhere: On =
                self.declared.get(host).into_iter().flatten().flat_map(|(_, on)| on.clone()).collect();
            let why = if elsewhere.is_empty() {
                did_you_mean(near)
            } else {
                format!(": its ServiceEntry is on {} alone", listed(&elsewhere))
            };
            let message = format!("nothing declares {host}{why}");
            let fix = "correct the host, or declare its Service";
            sites.tell((of, &asked.place), on, (Code::UnknownHost, message, fix), report);
        }
    }

    /// The first parts of all hosts that are known, by the rest: of Services, their names by their namespaces.
    fn by_namespace(&self) -> BTreeMap<&str, Vec<&str>> {
        let services = self.services().into_iter().flatten().map(|(host, _)| host);
        let hosts: BTreeSet<&String> = self.declared.keys().chain(services).collect();
        let mut by_namespace: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, rest) in hosts.into_iter().filter_map(|host| host.split_once('.')) {
            by_namespace.entry(rest).or_default().push(name);
        }
        by_namespace
    }
}

/// The name of a host and the rest, if it is one of the cluster: any other may be anywhere.
pub(super) fn of_cluster(host: &str) -> Option<(&str, &str)> {
    host.split_once('.').filter(|_| host.ends_with(CLUSTER_DOMAIN) && !host.starts_with('*'))
}
