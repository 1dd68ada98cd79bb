//! Certificates of the chain: ordered for what targets have and are to have, and used no sooner than they are served.

use std::collections::BTreeMap;

use mesh_model::certificate::{Credential, GatewayHosts, Issued, OrderFailure, Transmit};
use mesh_model::fleet::Target;
use mesh_model::name::Name;
use mesh_model::render::render;
use serde_json::Value;

use super::World;

impl World {
    /// What is live anywhere needs its certificates still, what comes next needs them before.
    pub(super) fn certify(&mut self, wanted: &[Target<'_>]) {
        let mut found = GatewayHosts::default();
        for live in self.servers.values() {
            self.add(&mut found, live);
        }
        for target in wanted {
            let given = self.given.get(target.name()).and_then(|revision| self.versions.get(*revision));
            for version in given.into_iter().chain([self.versions.latest()]) {
                self.add(&mut found, &render(version, target, &self.schemas).objects);
            }
        }
        assert_eq!((found.faults.len(), found.refused().count()), (0, 0));
        self.certificates.handle_desired(self.now, self.wall, &found.credentials);
        self.certificates.handle_timeout(self.now, self.wall);
        while let Some(transmit) = self.certificates.poll_transmit() {
            self.carry_out(transmit);
        }
    }

    /// Whether a target waits for certificates of what it is to receive.
    pub(super) fn lacks(&self, next: &[Value], target: &Name) -> bool {
        let live = self.servers.get(target).map_or(&[][..], |live| live);
        let (next, live) = (self.hosts_of(next), self.hosts_of(live));
        self.certificates.lacking(self.wall, &next, &live).next().is_some()
    }

    /// Whether each host that objects name is served with a certificate.
    pub(super) fn is_certified(&self, objects: &[Value]) -> bool {
        self.hosts_of(objects).credentials.iter().all(|(credential, wanted)| {
            let serves = |host| self.certificates.serving(self.wall, credential, host).is_some();
            wanted.hosts.iter().all(serves)
        })
    }

    /// The credentials of a target's objects.
    pub(super) fn hosts_of(&self, objects: &[Value]) -> GatewayHosts {
        let mut found = GatewayHosts::default();
        self.add(&mut found, objects);
        found
    }

    fn add(&self, found: &mut GatewayHosts, objects: &[Value]) {
        let asked: &Name = self.versions.latest().issuer.as_ref().unwrap();
        let known = (*asked == self.issuer.name).then_some(&self.issuer);
        found.add(&self.versions.latest().id, asked, known, objects);
    }

    /// The authority, the secrets and the gateways, which all do at once what they are asked.
    fn carry_out(&mut self, transmit: Transmit) {
        let (now, wall) = (self.now, self.wall);
        match transmit {
            Transmit::Order { credential, issuer, hosts } => {
                self.writes.push(format!("order for {credential}"));
                let refused = hosts.intersection(&self.refused).cloned();
                let failed: BTreeMap<_, _> =
                    refused.map(|host| (host, "no such record".to_owned())).collect();
                let serial = format!("{:x}", self.writes.len());
                let not_after = wall + self.issuer.lifetime;
                let issued = Issued { issuer, hosts, serial, not_before: wall, not_after };
                let result = if failed.is_empty() { Ok(issued) } else { Err(OrderFailure::Hosts { failed }) };
                self.certificates.handle_order_result(now, wall, &credential, result);
            }
            Transmit::Prove { credential, host, .. } => {
                let is_refused = self.refused.contains(&host);
                let failed = [(host.clone(), "no such record".to_owned())].into();
                let result = if is_refused { Err(OrderFailure::Hosts { failed }) } else { Ok(()) };
                self.certificates.handle_proof(now, wall, &credential, &host, result);
            }
            Transmit::Store { credential, issued } => {
                self.writes.push(format!("secret {credential}"));
                let serial = issued.serial.clone();
                self.secrets.insert(credential.clone(), issued);
                self.certificates.handle_stored(now, wall, &credential, &serial);
            }
            Transmit::Push { credential, serial } => {
                self.certificates.handle_pushed(now, wall, &credential, &serial);
            }
            Transmit::Revoke { serial, .. } => self.writes.push(format!("revoke {serial}")),
            Transmit::Delete { credential, .. } => {
                let _was_ours: Option<Issued> = self.secrets.remove(&credential);
                self.writes.push(format!("forget {credential}"));
            }
        }
    }

    /// The hosts of what is stored.
    pub(crate) fn covered(&self) -> Vec<String> {
        let hosts = self.secrets.iter().flat_map(|(credential, issued): (&Credential, &Issued)| {
            issued.hosts.iter().map(move |host| format!("{credential} {host}"))
        });
        hosts.collect()
    }
}
