//! Which secret each server of a Gateway names.
//!
//! A server names one secret for all its hosts. Where these lie in several
//! ([`Certificates::secret`]) it becomes as many servers of the same port, which differ in
//! hosts, secret and names alone: the first in its place, the others behind all that
//! are there, so that none of these changes its number. Like the steering of traffic this is no part of
//! a revision. Sources: istio/istio `pkg/config/validation/validation.go` and
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
    /// its hosts lie; nothing as long as one holds all.
    ///
    /// The Gateway is used once nothing of its hosts is [`lacking`](Self::lacking). Where one server's certificate
    /// names the hosts of another, browsers may ask for these over a connection to the first, which has no route
    /// for them; a new host is in one certificate only, one that went on elsewhere is in both until the older is renewed.
    #[must_use]
    pub fn divide(&self, wall: WallTime, namespace: &Name, gateway: &Value) -> Vec<Operation> {
        let Ok(view) = view::of::<Gateway>(gateway) else { return Vec::new() };
        let mut changed = gateway.clone();
        let Some(servers) = changed.pointer_mut("/spec/servers").and_then(Value::as_array_mut) else {
            return Vec::new();
        };
        let mut taken = Taken::of(servers);
        for (number, server) in view.servers.iter().enumerate() {
            let Some(tls) = server.tls.as_ref().filter(|tls| is_ended_with_own(tls.mode)) else { continue };
            let mut shares = self.shares(wall, namespace, server, tls).into_iter();
            let Some((secrets, hosts)) = shares.next() else { continue };
            let mut further = Vec::new();
            for (secrets, hosts) in shares {
                let mut server = servers[number].clone();
                taken.rename(&mut server, &secrets);
                name(&mut server, &secrets, &hosts);
                further.push(server);
            }
            name(&mut servers[number], &secrets, &hosts);
            servers.extend(further);
        }
        diff(gateway, &changed)
    }

    /// The hosts of a server, as they are written, by the secrets in which they lie.
    fn shares<'a>(
        &self,
        wall: WallTime,
        namespace: &Name,
        server: &'a Server,
        tls: &ServerTls,
    ) -> BTreeMap<Secrets, Vec<&'a str>> {
        let mut shares: BTreeMap<Secrets, Vec<&str>> = BTreeMap::new();
        let secret = |name: &String, text: &str| {
            // what is no secret of the namespace is not ours, and what is no host lies in none
            let Ok(credential) = Credential::new(namespace.clone(), name) else { return (1, name.clone()) };
            let secret =
                host(text).map_or_else(|_| credential.whole(), |host| self.secret(wall, &credential, &host));
            (secret.number(), secret.name().to_owned())
        };
        let names = || tls.credential_name.iter().chain(&tls.credential_names);
        for text in server.hosts.iter().filter(|_| names().next().is_some()) {
            let secrets = names().map(|name| secret(name, text)).collect();
            shares.entry(secrets).or_default().push(text);
        }
        shares
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
