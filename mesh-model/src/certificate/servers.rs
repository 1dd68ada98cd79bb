//! Which secret each server of a Gateway names.
//!
//! A server names one secret for all its hosts. Where these lie in several
//! ([`Certificates::secret`]) it becomes as many servers of the same port, which differ in
//! hosts, secret and names alone: the first in its place, the others behind all that
//! are there. Who has no certificate because it failed is named by none. Like the steering of
//! traffic this is no part of a revision. Sources: istio/istio `pkg/config/validation/validation.go` and
//! `pilot/pkg/model/gateway.go`, which want names of ports and servers once in a
//! Gateway, and a host once on a port.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::hosts::{host, is_ended_with_own};
use super::{Certificates, Credential};
use crate::name::Name;
use crate::patch::{Operation, diff};
use crate::template::view::{self, Gateway, Server, ServerTls};
use crate::time::WallTime;

/// The secrets that a server names, in the order in which it does, each with its number.
type Secrets = Vec<(u32, String)>;

impl Certificates {
    /// What is to be changed in a rendered Gateway of a namespace, so that each server names the secret in which
    /// its hosts lie; nothing as long as one holds all. `None` if no server is left: the Gateway comes with its first
    /// certificate.
    ///
    /// The Gateway is used once nothing of its hosts is [`lacking`](Self::lacking). A host that failed and that no
    /// certificate covers is in no server that ends TLS with ours. Where one server's certificate
    /// names the hosts of another, browsers may ask for these over a connection to the first, which has no route
    /// for them; a new host is in one certificate only, one that went on elsewhere is in both until the older is renewed.
    #[must_use]
    pub fn divide(&self, wall: WallTime, namespace: &Name, gateway: &Value) -> Option<Vec<Operation>> {
        let Ok(view) = view::of::<Gateway>(gateway) else { return Some(Vec::new()) };
        let mut changed = gateway.clone();
        let Some(servers) = changed.pointer_mut("/spec/servers").and_then(Value::as_array_mut) else {
            return Some(Vec::new());
        };
        let (mut taken, mut further) = (Taken::of(servers), Vec::new());
        let mut views = view.servers.iter();
        servers.retain_mut(|written| {
            let view = views.next().expect("the view has each server");
            let Some(tls) = view.tls.as_ref().filter(|tls| is_ended_with_own(tls.mode)) else { return true };
            let Some(shares) = self.shares(wall, namespace, view, tls) else { return true };
            let mut shares = shares.into_iter();
            let Some((secrets, hosts)) = shares.next() else { return false };
            for (secrets, hosts) in shares {
                let mut server = written.clone();
                taken.rename(&mut server, &secrets);
                name(&mut server, &secrets, &hosts);
                further.push(server);
            }
            name(written, &secrets, &hosts);
            true
        });
        servers.extend(further);
        let is_empty = servers.is_empty() && !view.servers.is_empty();
        (!is_empty).then(|| diff(gateway, &changed))
    }

    /// The hosts of a server, as they are written, by the secrets in which they lie, without those that are left out;
    /// `None` if it names no secret, or no host.
    fn shares<'a>(
        &self,
        wall: WallTime,
        namespace: &Name,
        server: &'a Server,
        tls: &ServerTls,
    ) -> Option<BTreeMap<Secrets, Vec<&'a str>>> {
        // what is no secret of the namespace is not ours
        let credential = |name: &String| Credential::new(namespace.clone(), name).map_err(|_| name.clone());
        let credentials: Vec<Result<Credential, String>> =
            tls.credential_name.iter().chain(&tls.credential_names).map(credential).collect();
        let ours = || credentials.iter().flatten();
        let mut shares: BTreeMap<Secrets, Vec<&str>> = BTreeMap::new();
        for text in &server.hosts {
            let host = host(text).ok();
            let is_left_out = |credential: &Credential| match &host {
                Some(host) => self.is_left_out(wall, credential, host),
                None => self.is_without_hosts(wall, credential),
            };
            if ours().any(is_left_out) {
                continue;
            }
            // what is no host lies in no secret, and stays with the first
            let secret = |credential: &Credential| match &host {
                Some(host) => self.secret(wall, credential, host),
                None => credential.whole(),
            };
            let named = |credential: &Result<Credential, String>| match credential {
                Ok(credential) => {
                    let secret = secret(credential);
                    (secret.number(), secret.name().to_owned())
                }
                Err(name) => (1, name.clone()),
            };
            shares.entry(credentials.iter().map(named).collect()).or_default().push(text);
        }
        (!credentials.is_empty() && !server.hosts.is_empty()).then_some(shares)
    }
}

/// Has a server name these secrets, for these hosts.
fn name(server: &mut Value, secrets: &Secrets, hosts: &[&str]) {
    server["hosts"] = json!(hosts);
    let mut names = secrets.iter().map(|(_, name)| name);
    let tls = &mut server["tls"];
    if let Some(one) = tls.get_mut("credentialName").filter(|one| one.is_string()) {
        *one = json!(names.next());
    }
    for one in tls.get_mut("credentialNames").and_then(Value::as_array_mut).into_iter().flatten() {
        *one = json!(names.next());
    }
}

/// The names of ports and of servers that a Gateway has.
struct Taken([BTreeSet<String>; 2]);

impl Taken {
    const AT: [&str; 2] = ["/port/name", "/name"];

    fn of(servers: &[Value]) -> Self {
        let names = |at| {
            let names = servers.iter().filter_map(|server| server.pointer(at).and_then(Value::as_str));
            names.map(str::to_owned).collect()
        };
        Self(Self::AT.map(names))
    }

    /// Gives a further server names of its own, by the numbers of its secrets.
    fn rename(&mut self, server: &mut Value, secrets: &Secrets) {
        let mut numbers: Vec<String> = secrets.iter().map(|(number, _)| number.to_string()).collect();
        numbers.dedup();
        for (at, taken) in Self::AT.into_iter().zip(&mut self.0) {
            let Some(Value::String(name)) = server.pointer_mut(at).filter(|name| **name != "") else {
                continue;
            };
            name.push_str("-overspill-");
            name.push_str(&numbers.join("-"));
            while !taken.insert(name.clone()) {
                name.push_str("-other");
            }
        }
    }
}
