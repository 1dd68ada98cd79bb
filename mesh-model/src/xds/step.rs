//! What is sent next: the first step that has work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::resources::{addresses, no_endpoints};
use super::{Event, Kind, Protocol, Resource, Response, Sent, Session, Snapshot, Subscription};

impl Session {
    /// Sends what may be sent now.
    pub(super) fn advance(&mut self) {
        let Some(wanted) = self.wanted.clone() else { return };
        for (kind, subscription) in &mut self.kinds {
            subscription.close(&wanted, *kind);
        }
        self.note_lacking(&wanted);
        for kind in Kind::ALL {
            if !self.waits(&wanted, kind)
                && let Some(sent) = self.additions(&wanted, kind)
            {
                self.send(&wanted, kind, sent);
            }
        }
        if self.is_under_way() {
            return;
        }
        if [Kind::Listener, Kind::Route].into_iter().any(|kind| self.is_to_be_asked(&wanted, kind)) {
            return;
        }
        let Some(used) = self.used_by_held(&wanted) else { return };
        for kind in Kind::ALL.into_iter().rev() {
            if let Some(sent) = self.removals(&wanted, kind, &used) {
                return self.send(&wanted, kind, sent);
            }
        }
        let is_held =
            self.kinds.iter().any(|(kind, one)| !one.lacking.is_empty() || one.has_refused(&wanted, *kind));
        if !self.is_in_step && !is_held && !self.kinds.is_empty() {
            self.is_in_step = true;
            self.events.push_back(Event::InStep);
        }
    }

    /// Looks which clusters and listeners name secrets that are not there, and tells those that are new.
    ///
    /// A cluster waits for its secrets, and an Envoy takes no other clusters meanwhile. An Envoy that is
    /// starting opens no listener at all while one of them waits: its workers begin once all that it was told first
    /// is complete. So neither is sent. (One that has started lets the listener's old form serve on, and the others come
    /// and go: there it would do no harm, and no good either.)
    fn note_lacking(&mut self, wanted: &Snapshot) {
        for kind in [Kind::Cluster, Kind::Listener] {
            let Some(subscription) = self.kinds.get_mut(&kind) else { continue };
            let open = subscription.open.iter().filter_map(|name| wanted.get(kind, name));
            let sent =
                open.filter(|one| subscription.asks_for(kind, &one.name) && !subscription.surely_has(one));
            let lacking = sent.map(|one| (one.name.clone(), wanted.lacking(one)));
            let lacking: BTreeMap<_, _> = lacking.filter(|(_, secrets)| !secrets.is_empty()).collect();
            let new =
                lacking.iter().filter(|(name, secrets)| subscription.lacking.get(*name) != Some(secrets));
            self.events.extend(new.map(|(name, secrets)| Event::Lacks {
                kind,
                name: name.clone(),
                secrets: secrets.clone(),
            }));
            subscription.lacking = lacking;
        }
    }

    fn is_under_way(&self) -> bool {
        self.kinds.values().any(|one| one.sent.is_some())
    }

    /// Whether a message of a kind has to wait for the answers to others, or for what the proxy asks for.
    fn waits(&self, wanted: &Snapshot, kind: Kind) -> bool {
        match kind {
            Kind::Endpoints | Kind::Secret => self.kinds.get(&kind).is_some_and(|one| one.sent.is_some()),
            Kind::Cluster => self.is_under_way(),
            Kind::Listener | Kind::Route => self.is_under_way() || self.is_silent_about_clusters(wanted),
        }
    }

    /// Whether the proxy did not speak of clusters on this stream, although some are wanted: one of them may wait
    /// since another stream, and which forms of them serve is not known until it speaks.
    fn is_silent_about_clusters(&self, wanted: &Snapshot) -> bool {
        !self.kinds.contains_key(&Kind::Cluster) && wanted.of(Kind::Cluster).next().is_some()
    }

    /// What is wanted of a kind and the proxy does not have.
    fn additions(&self, wanted: &Arc<Snapshot>, kind: Kind) -> Option<Sent> {
        let subscription = self.kinds.get(&kind)?;
        let mut sent = Sent::default();
        let open = subscription.open.iter().filter_map(|name| wanted.get(kind, name));
        let open = open.filter(|one| subscription.asks_for(kind, &one.name));
        for resource in open {
            let is_new = !subscription.surely_has(resource);
            let is_refused = subscription.refused.get(&resource.name) == Some(&resource.version);
            let is_held = self.is_held(wanted, kind, resource);
            if is_new && (is_held || self.leads_to_waiting(wanted, kind, resource)) {
                continue;
            }
            if (is_new && !is_refused) || (!is_new && subscription.due.contains(&resource.name)) {
                sent.resources.insert(resource.name.clone(), resource.clone());
            }
        }
        if matches!(kind, Kind::Endpoints | Kind::Secret) {
            let unwanted = subscription.open.iter().filter(|name| wanted.get(kind, name).is_none());
            let unwanted = unwanted.filter_map(|name| self.last_words(subscription, kind, name));
            sent.resources.extend(unwanted.map(|resource| (resource.name.clone(), resource)));
        }
        // one part of what was refused after another
        let is_in = |batch: &&BTreeSet<String>| batch.iter().any(|name| sent.resources.contains_key(name));
        if let Some(batch) = subscription.suspects.iter().rev().find(is_in) {
            sent.resources.retain(|name, _| batch.contains(name));
        }
        let displaced =
            if kind == Kind::Listener { displaced(subscription, wanted, &sent) } else { BTreeSet::new() };
        if self.protocol == Protocol::Delta {
            let is_absent = |name: &&String| {
                wanted.get(kind, name).is_none()
                    && !sent.resources.contains_key(*name)
                    && !subscription.has.contains_key(*name)
                    && !subscription.absent.contains(*name)
            };
            let asked = subscription.open.iter().filter(|name| subscription.names.contains(*name));
            sent.removed = asked.filter(is_absent).cloned().collect();
        }
        sent.removed.extend(displaced);
        let must_answer = kind.is_whole() && !subscription.is_answered;
        if sent.resources.is_empty() && sent.removed.is_empty() && !must_answer {
            return None;
        }
        sent.new = sent.resources.keys().cloned().collect();
        if self.protocol == Protocol::StateOfTheWorld && kind.is_whole() {
            // what it has stays until nothing refers to it
            sent.is_whole = true;
            for (name, resource) in subscription.has.iter().filter(|(name, _)| !sent.removed.contains(*name))
            {
                sent.resources.entry(name.clone()).or_insert_with(|| resource.clone());
            }
        }
        Some(sent)
    }

    /// What a proxy is told of endpoints or a secret that nobody wants any more, and that a cluster of it
    /// may wait for: an Envoy says nothing about clusters, and takes no others, as long as one of them waits.
    ///
    /// Its last endpoints are told where there were some, because routes may lead to the cluster until
    /// they are taken away; those of a cluster that never served are none. (Under delta a name that is
    /// removed says the same, and leaves endpoints that are in use alone.)
    fn last_words(&self, subscription: &Subscription, kind: Kind, name: &str) -> Option<Resource> {
        if !subscription.asks_for(kind, name) {
            return None;
        }
        // that the proxy names a secret does not mean that it has it
        let is_named_alone = |one: &&Resource| kind == Kind::Secret && one.body.is_null();
        if let Some(last) = subscription.has.get(name).filter(|one| !is_named_alone(one)) {
            return subscription.due.contains(name).then(|| last.clone());
        }
        match (kind, self.protocol) {
            (Kind::Endpoints, Protocol::StateOfTheWorld) => Some(no_endpoints(name)),
            // there is no empty secret; the cluster that waits for this one was sent when it was there
            (Kind::Secret, _) => {
                let is_refused = |one: &&Resource| subscription.refused.get(name) == Some(&one.version);
                self.last_secret(name).filter(|one| !is_refused(one)).cloned()
            }
            (Kind::Cluster | Kind::Endpoints | Kind::Listener | Kind::Route, _) => None,
        }
    }

    /// What the proxy has of a kind and nobody wants.
    fn removals(&self, wanted: &Arc<Snapshot>, kind: Kind, used: &BTreeSet<(Kind, String)>) -> Option<Sent> {
        let subscription = self.kinds.get(&kind)?;
        // of a message that was refused a proxy may have kept what was good in it
        let is_gone = |name: &&String| wanted.get(kind, name).is_none() && subscription.may_have(name);
        let is_used = |name: &&String| used.contains(&(kind, (*name).clone()));
        let gone = subscription.open.iter().filter(is_gone).filter(|name| !is_used(name));
        let removed: BTreeSet<String> = gone.cloned().collect();
        if removed.is_empty() || subscription.keeps_all {
            return None;
        }
        let kept = subscription.has.iter().filter(|(name, _)| !removed.contains(*name));
        let kept = kept.map(|(name, resource)| (name.clone(), resource.clone()));
        match (self.protocol, kind.is_whole()) {
            (Protocol::Delta, _) => Some(Sent { removed, ..Sent::default() }),
            (Protocol::StateOfTheWorld, true) => {
                Some(Sent { resources: kept.collect(), removed, is_whole: true, ..Sent::default() })
            }
            // a proxy drops these itself with what refers to them; there is no message for it
            (Protocol::StateOfTheWorld, false) => None,
        }
    }

    /// What the forms refer to that a proxy goes on with, because the next ones lack something or were refused; `None`
    /// if that is not known, for a proxy that comes from another stream tells names alone.
    fn used_by_held(&self, wanted: &Snapshot) -> Option<BTreeSet<(Kind, String)>> {
        let mut used = BTreeSet::new();
        for kind in [Kind::Cluster, Kind::Listener, Kind::Route] {
            let Some(subscription) = self.kinds.get(&kind) else { continue };
            let open = subscription.open.iter().filter_map(|name| wanted.get(kind, name));
            let held =
                open.filter(|one| subscription.asks_for(kind, &one.name) && !subscription.surely_has(one));
            for next in held {
                // no memory has routes, and under state of the world a proxy does not say which it has
                let is_told = kind != Kind::Route || self.protocol == Protocol::Delta;
                if !is_told && !subscription.has.contains_key(&next.name) {
                    return None;
                }
                subscription.extend_by_uses(kind, &next.name, &mut used)?;
            }
        }
        if let Some(routes) = self.kinds.get(&Kind::Route) {
            // a table may have changed since its listener was sent
            let tables: Vec<String> =
                used.iter().filter(|(kind, _)| *kind == Kind::Route).map(|(_, name)| name.clone()).collect();
            for table in tables {
                routes.extend_by_uses(Kind::Route, &table, &mut used)?;
            }
        }
        Some(used)
    }

    /// Whether a resource cannot be used without one that the proxy refused, or that is not there.
    fn is_held(&self, wanted: &Snapshot, kind: Kind, resource: &Resource) -> bool {
        let lacks =
            |kind, name: &str| self.kinds.get(&kind).is_some_and(|one| one.lacking.contains_key(name));
        match kind {
            Kind::Cluster => return lacks(kind, &resource.name),
            // those of a cluster whose last good form is in use are its, whatever became of the next
            Kind::Endpoints | Kind::Secret => return false,
            Kind::Listener if lacks(kind, &resource.name) => return true,
            Kind::Listener | Kind::Route => {}
        }
        resource.refers_to.iter().any(|(kind, name)| {
            if *kind == Kind::Cluster && lacks(*kind, name) {
                return true;
            }
            let refused = self.kinds.get(kind).and_then(|one| one.refused.get(name));
            refused.is_some_and(|version| wanted.get(*kind, name).is_some_and(|one| one.version == *version))
        })
    }

    /// Whether a resource leads to a cluster whose endpoints or secrets the proxy does not have yet.
    ///
    /// An Envoy that is starting says that it took clusters before it has their endpoints, and one that
    /// has started may say so before it asks for them; for secrets it asks after that.
    fn leads_to_waiting(&self, wanted: &Snapshot, kind: Kind, resource: &Resource) -> bool {
        if !matches!(kind, Kind::Listener | Kind::Route) {
            return false;
        }
        let (endpoints, secrets) = (self.kinds.get(&Kind::Endpoints), self.kinds.get(&Kind::Secret));
        let lacks_endpoints = |one: &Subscription, name: &String| {
            wanted.get(Kind::Endpoints, name).is_some()
                && (!one.has.contains_key(name) || one.due.contains(name))
        };
        let lacks_secrets = |cluster: &Resource| {
            let mut names = cluster.refers_to.iter().filter(|(kind, _)| *kind == Kind::Secret);
            names.any(|(_, name)| !secrets.is_some_and(|secrets| secrets.has.contains_key(name)))
        };
        resource.refers_to.iter().filter(|(kind, _)| *kind == Kind::Cluster).any(|(_, name)| {
            endpoints.is_some_and(|endpoints| lacks_endpoints(endpoints, name))
                || wanted.get(Kind::Cluster, name).is_some_and(lacks_secrets)
        })
    }

    /// Whether something of a kind is not sent until the proxy asks for clusters, endpoints or secrets.
    fn is_to_be_asked(&self, wanted: &Snapshot, kind: Kind) -> bool {
        let Some(subscription) = self.kinds.get(&kind) else { return false };
        if self.is_silent_about_clusters(wanted) {
            return true;
        }
        let open = subscription.open.iter().filter_map(|name| wanted.get(kind, name));
        let mut open = open.filter(|one| subscription.asks_for(kind, &one.name));
        // what is held back is not waited for: what it would take the place of is used on
        open.any(|one| {
            !subscription.surely_has(one)
                && !self.is_held(wanted, kind, one)
                && self.leads_to_waiting(wanted, kind, one)
        })
    }

    fn send(&mut self, wanted: &Arc<Snapshot>, kind: Kind, sent: Sent) {
        let nonce = self.next_nonce.to_string();
        self.next_nonce += 1;
        if kind == Kind::Cluster {
            self.remember_secrets(wanted, sent.resources.values());
            // a cluster that changed waits for its endpoints, although they did not
            let before = self.kinds.get(&Kind::Cluster);
            let is_new = |one: &&Resource| before.is_none_or(|before| !before.surely_has(one));
            let changed = sent.resources.values().filter(is_new);
            let changed: Vec<String> = changed.map(|one| one.name.clone()).collect();
            if let Some(endpoints) = self.kinds.get_mut(&Kind::Endpoints) {
                endpoints.must_be_told_again(changed);
            }
        }
        let Some(subscription) = self.kinds.get_mut(&kind) else { return };
        let is_other = |batch: &BTreeSet<String>| batch.iter().all(|name| !sent.resources.contains_key(name));
        subscription.suspects.retain(is_other);
        for name in sent.resources.keys() {
            subscription.due.remove(name);
            subscription.absent.remove(name);
        }
        if self.protocol == Protocol::Delta {
            subscription.absent.extend(sent.removed.iter().cloned());
        }
        subscription.is_answered = true;
        subscription.nonce.clone_from(&nonce);
        self.transmits.push_back(Response {
            kind,
            version: wanted.version(kind).to_owned(),
            nonce,
            resources: sent.resources.values().cloned().collect(),
            removed: if self.protocol == Protocol::Delta {
                sent.removed.iter().cloned().collect()
            } else {
                Vec::new()
            },
        });
        subscription.sent = Some(sent);
    }
}

impl Subscription {
    fn asks_for(&self, kind: Kind, name: &str) -> bool {
        (kind.is_whole() && self.is_for_all) || self.names.contains(name)
    }

    /// Takes note that clusters wait for endpoints, whatever was said of those before.
    fn must_be_told_again(&mut self, clusters: Vec<String>) {
        for name in clusters {
            if self.has.contains_key(&name) {
                self.due.insert(name.clone());
            }
            self.absent.remove(&name);
            self.open.insert(name);
        }
    }

    /// Leaves out of the open names those of which there is nothing to send and nothing to take away.
    fn close(&mut self, wanted: &Snapshot, kind: Kind) {
        let mut open = std::mem::take(&mut self.open);
        open.retain(|name| !self.is_settled(wanted, kind, name));
        self.open = open;
    }

    /// Whether nothing need be said of a name until it, or what is wanted of it, changes.
    pub(super) fn is_settled(&self, wanted: &Snapshot, kind: Kind, name: &str) -> bool {
        match wanted.get(kind, name) {
            Some(resource) => {
                !self.asks_for(kind, name) || (self.surely_has(resource) && !self.due.contains(name))
            }
            None => !self.may_have(name) && (!self.names.contains(name) || self.absent.contains(name)),
        }
    }

    /// Adds what the forms refer to in which a proxy may have a resource; `None` if that is not known.
    fn extend_by_uses(&self, kind: Kind, name: &str, used: &mut BTreeSet<(Kind, String)>) -> Option<()> {
        if let Some(uses) = self.doubtful.get(name) {
            used.extend(uses.as_ref()?.iter().cloned());
        }
        let Some(has) = self.has.get(name) else { return Some(()) };
        // every listener leads somewhere; of one that was remembered by its body alone it is not known where
        if has.body.is_null() || (kind == Kind::Listener && has.refers_to.is_empty()) {
            return None;
        }
        used.extend(has.refers_to.iter().cloned());
        if kind == Kind::Cluster {
            used.insert((Kind::Endpoints, name.to_owned()));
        }
        Some(())
    }

    /// Whether the proxy has this one, and no other under its name.
    pub(super) fn surely_has(&self, resource: &Resource) -> bool {
        self.has.get(&resource.name) == Some(resource) && !self.doubtful.contains_key(&resource.name)
    }

    /// Whether the proxy has a resource, or may have it.
    fn may_have(&self, name: &str) -> bool {
        self.has.contains_key(name) || self.refused.contains_key(name) || self.doubtful.contains_key(name)
    }

    /// Whether the proxy refused something of what is wanted.
    fn has_refused(&self, wanted: &Snapshot, kind: Kind) -> bool {
        self.refused
            .iter()
            .any(|(name, version)| wanted.get(kind, name).is_some_and(|one| one.version == *version))
    }
}

/// Listeners that nobody wants and whose addresses new ones bind: they must go first. One of which only
/// the name is known may be in the way of any.
fn displaced(subscription: &Subscription, wanted: &Snapshot, sent: &Sent) -> BTreeSet<String> {
    let bound: Vec<&Value> = sent.resources.values().flat_map(|one| addresses(&one.body)).collect();
    let is_in_the_way = |resource: &Resource| {
        let own = addresses(&resource.body);
        resource.body.is_null() || own.iter().any(|address| bound.contains(address))
    };
    let open = subscription.open.iter().filter_map(|name| subscription.has.get(name));
    let unwanted = open.filter(|one| wanted.get(Kind::Listener, &one.name).is_none());
    let unwanted = unwanted.filter(|one| !bound.is_empty() && is_in_the_way(one));
    unwanted.map(|one| one.name.clone()).collect()
}
