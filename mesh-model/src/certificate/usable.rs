//! Which Gateways may be used, and without whom.
//!
//! What is added is served before it is used, so a Gateway waits for the certificates
//! of its hosts. It must not wait for one that fails, or that host would hold all the
//! others. The idea: a new host that failed is left out of its server until a certificate
//! names it, for a server whose secret is not there would hold its whole listener. It is
//! not left out where that would take something away or use nothing: see
//! [`Certificates::lacking`].

use super::entry::Certificate;
use super::{Certificates, Credential, GatewayHosts, Issued};
use crate::name::Fqdn;
use crate::time::WallTime;
use crate::visibility::covers;

impl Certificates {
    /// The certificate that all gateways serve for a host of a credential; `None` before there is one.
    #[must_use]
    pub fn serving(&self, wall: WallTime, credential: &Credential, host: &Fqdn) -> Option<&Issued> {
        let certificate = self.all.get(&self.secret(wall, credential, host))?;
        certificate.served().filter(|_| certificate.serves(host, wall))
    }

    /// What the Gateways of one target wait for: they may be used once nothing is among it. `next` is what the target
    /// is to receive, as [`render`](crate::render::render) makes it, `live` what it has.
    ///
    /// A host that failed and that no certificate covers is not among it: the others go on without it
    /// ([`divide`](Self::divide) leaves it out), and it follows when it is proved. It is waited for after all where
    ///
    /// - it is served on the target, in plain text or by the server of a star above it, and would be no more: it is
    ///   not new;
    /// - nothing else is served by these Gateways, so that nobody else waits. Where the authority wants to see the host
    ///   at the gateways (`http-01`), these come first nevertheless, for it could be proved by none that waits;
    /// - another credential's certificate covers it, for it may be on its way from that to this one.
    ///
    /// What was served and has ended is not among it either: with the new Gateway it is no worse than with the old one.
    pub fn lacking<'a>(
        &'a self,
        wall: WallTime,
        next: &'a GatewayHosts,
        live: &'a GatewayHosts,
    ) -> impl Iterator<Item = (&'a Credential, &'a Fqdn)> {
        let credentials = next.credentials.iter();
        let all = credentials
            .flat_map(|(credential, wanted)| wanted.hosts.iter().map(move |host| (credential, wanted, host)));
        let is_left_out = move |credential, host| self.is_left_out(wall, credential, host);
        let serves_others = !next.without.is_empty()
            || all.clone().any(|(credential, _, host)| !is_left_out(credential, host));
        // by the server of another host that has all of this one's names
        let is_of_star = move |hosts: &GatewayHosts, host: &Fqdn| {
            let pairs = hosts.credentials.iter();
            let mut pairs =
                pairs.flat_map(|(credential, wanted)| wanted.hosts.iter().map(move |of| (credential, of)));
            pairs.any(|(credential, of)| {
                of != host && covers(of.as_str(), host.as_str()) && !self.is_left_out(wall, credential, of)
            })
        };
        let serves = move |hosts: &GatewayHosts, host| hosts.serves_without(host) || is_of_star(hosts, host);
        let lacking = all.filter(move |(credential, wanted, host)| {
            let takes_away = serves(live, host) && !serves(next, host);
            let may_go_on = (serves_others || wanted.is_proved_at_gateways) && !takes_away;
            let goes_on_without = may_go_on && is_left_out(credential, host);
            !goes_on_without && !self.is_in_use(wall, credential, host)
        });
        lacking.map(|(credential, _, host)| (credential, host))
    }

    /// Whether the secret that a Gateway has to name for a host is served for it, or was until it ended.
    fn is_in_use(&self, wall: WallTime, credential: &Credential, host: &Fqdn) -> bool {
        let certificate = self.all.get(&self.secret(wall, credential, host));
        certificate.and_then(Certificate::served).is_some_and(|served| served.hosts.contains(host))
    }

    /// Whether a server goes on without a host: it failed, or cannot be ordered at all, and no certificate names it.
    /// Without that evidence nothing is left out, or a list of secrets that was read in part would empty Gateways.
    pub(super) fn is_left_out(&self, wall: WallTime, credential: &Credential, host: &Fqdn) -> bool {
        let covers = |issued: &Issued| wall < issued.not_after && issued.hosts.contains(host);
        let names =
            |certificate: &Certificate| certificate.used().is_some_and(|used| used.hosts.contains(host));
        let has_failed =
            |part: &Credential| self.all[part].problem().is_some() || self.all[part].has_failed(host);
        self.parts(&credential.whole()).iter().any(has_failed)
            && !self.all.get(&self.secret(wall, credential, host)).is_some_and(names)
            && !self.all.values().filter_map(Certificate::current).any(covers)
    }

    /// Whether every host of a credential is left out, so that there is no secret.
    pub(super) fn is_without_hosts(&self, wall: WallTime, credential: &Credential) -> bool {
        let group = self.groups.get(&credential.whole());
        group.is_some_and(|group| group.hosts().all(|host| self.is_left_out(wall, credential, host)))
    }
}
