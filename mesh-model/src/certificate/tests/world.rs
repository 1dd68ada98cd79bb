//! The world around the machine: authorities, a store of secrets, gateways; all of it at once done.

use super::*;

pub(super) const DAY: u64 = 86_400;

pub(super) fn days(days: u64) -> Duration {
    Duration::from_secs(days * DAY)
}

pub(super) fn credential(name: &str) -> Credential {
    Credential::new("shop".parse().unwrap(), name).unwrap()
}

pub(super) fn host(name: &str) -> Fqdn {
    format!("{name}.example.com").parse().unwrap()
}

pub(super) fn hosts(names: &str) -> BTreeSet<Fqdn> {
    names.split_whitespace().map(host).collect()
}

/// `x: a b; y@other: c` for two credentials, the second from the issuer `other`.
pub(super) fn wanted(text: &str) -> BTreeMap<Credential, Wanted> {
    let parts = text.split(';').filter(|part| !part.trim().is_empty());
    parts
        .map(|part| {
            let (name, names) = part.split_once(':').unwrap();
            let name = name.trim();
            let (name, issuer) = name.split_once('@').unwrap_or((name, "corp"));
            let wanted = Wanted {
                hosts: hosts(names),
                issuers: [(issuer.parse().unwrap(), AskedIssuer::Known { max_names: 100 })].into(),
                ..Wanted::default()
            };
            (credential(name), wanted)
        })
        .collect()
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) machine: Certificates,
    pub(super) now: Time,
    /// The wall's clock, as far as it is ahead of the machine's, in seconds.
    pub(super) wall: i64,
    /// Hosts that fail.
    pub(super) failing: BTreeSet<Fqdn>,
    /// How many of them the authority names at once.
    pub(super) told: usize,
    pub(super) is_down: bool,
    /// How long certificates live.
    pub(super) lifetime: Duration,
    /// When certificates begin, if not now.
    pub(super) signed_from: Option<WallTime>,
    pub(super) secrets: BTreeMap<Credential, Issued>,
    /// The most names that an order may have.
    pub(super) max_names: usize,
    /// Which secret the Gateways that are in use name for a host of a credential, and when that ends.
    pub(super) gateways: BTreeMap<(Credential, Fqdn), (Credential, WallTime)>,
    /// Whether the wall's clock did, so that nobody knows what ended when.
    pub(super) has_jumped: bool,
    /// What is asked for.
    asked: BTreeMap<Credential, Wanted>,
    serial: u32,
    done: Vec<String>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            machine: Certificates::new(7, Vec::new()),
            now: Time::ZERO,
            wall: 1_800_000_000,
            failing: BTreeSet::new(),
            told: 1,
            is_down: false,
            lifetime: days(90),
            signed_from: None,
            secrets: BTreeMap::new(),
            max_names: 100,
            gateways: BTreeMap::new(),
            has_jumped: false,
            asked: BTreeMap::new(),
            serial: 0,
            done: Vec::new(),
        }
    }

    pub(super) fn wall(&self) -> WallTime {
        WallTime::from_unix_seconds(self.wall) + (self.now - Time::ZERO)
    }

    pub(super) fn want(&mut self, text: &str) {
        self.desire(wanted(text));
    }

    pub(super) fn desire(&mut self, wanted: BTreeMap<Credential, Wanted>) {
        self.machine.handle_desired(self.now, self.wall(), &wanted);
        self.asked = wanted;
        self.settle();
    }

    /// What is asked for, host by host.
    pub(super) fn pairs(&self) -> Vec<(Credential, Fqdn)> {
        let of = |(name, wanted): (&Credential, &Wanted)| {
            wanted.hosts.iter().map(|host| (name.clone(), host.clone())).collect::<Vec<_>>()
        };
        self.asked.iter().flat_map(of).collect()
    }

    /// Gateways name the right secrets once these are served; what one names covers the host until it ends.
    fn use_secrets(&mut self) {
        let (wall, pairs) = (self.wall(), self.pairs());
        self.gateways.retain(|pair, _| pairs.contains(pair));
        for ((credential, host), (secret, end)) in &mut self.gateways {
            let stored = self.secrets.get(secret).filter(|stored| stored.hosts.contains(host));
            assert!(
                self.has_jumped || wall >= *end || stored.is_some(),
                "{secret} names {host} of {credential} no more, and a Gateway still does: {:?}",
                self.done.iter().rev().take(40).collect::<Vec<_>>()
            );
            *end = stored.map_or(*end, |stored| stored.not_after);
        }
        for pair in pairs {
            if let Some(served) = self.machine.serving(wall, &pair.0, &pair.1) {
                let named = (self.machine.secret(wall, &pair.0, &pair.1), served.not_after);
                self.gateways.insert(pair, named);
            }
        }
    }

    pub(super) fn settle(&mut self) {
        while let Some(transmit) = self.machine.poll_transmit() {
            let (now, wall) = (self.now, self.wall());
            match transmit {
                Transmit::Order { credential, issuer, hosts } => {
                    assert!(hosts.len() <= self.max_names, "{hosts:?}");
                    let names: Vec<&str> =
                        hosts.iter().map(|host| host.as_str().split('.').next().unwrap()).collect();
                    self.done.push(format!("order {} {}", credential.name(), names.join("+")));
                    let result = self.sign(issuer.as_str(), hosts);
                    self.machine.handle_order_result(now, wall, &credential, result);
                }
                Transmit::Prove { credential, host, .. } => {
                    let name = host.as_str().split('.').next().unwrap();
                    self.done.push(format!("prove {} {name}", credential.name()));
                    let result = self.proved(&[host.clone()].into());
                    self.machine.handle_proof(now, wall, &credential, &host, result);
                }
                Transmit::Store { credential, issued } => {
                    self.done.push(format!("store {}", credential.name()));
                    self.secrets.insert(credential.clone(), issued.clone());
                    self.machine.handle_stored(now, wall, &credential, &issued.serial);
                }
                Transmit::Push { credential, serial } => {
                    self.done.push(format!("push {}", credential.name()));
                    assert_eq!(self.secrets[&credential].serial, serial, "what is pushed is stored");
                    self.machine.handle_pushed(now, wall, &credential, &serial);
                }
                Transmit::Revoke { credential, serial, .. } => {
                    self.done.push(format!("revoke {} {serial}", credential.name()));
                }
                Transmit::Delete { credential, serials } => {
                    let secret = self.secrets.remove(&credential).expect("what is deleted is there");
                    assert!(serials.contains(&secret.serial), "{serials:?}");
                    self.done.push(format!("delete {}", credential.name()));
                }
            }
        }
        self.use_secrets();
    }

    pub(super) fn sign(&mut self, issuer: &str, hosts: BTreeSet<Fqdn>) -> Result<Issued, OrderFailure> {
        self.proved(&hosts)?;
        self.serial += 1;
        let not_before = self.signed_from.unwrap_or_else(|| self.wall());
        Ok(Issued {
            issuer: issuer.parse().unwrap(),
            hosts,
            serial: self.serial.to_string(),
            not_before,
            not_after: not_before + self.lifetime,
        })
    }

    fn proved(&self, hosts: &BTreeSet<Fqdn>) -> Result<(), OrderFailure> {
        if self.is_down {
            return Err(OrderFailure::Authority { reason: "busy".into(), retry_after: None });
        }
        let failing = hosts.intersection(&self.failing).take(self.told);
        let failed: BTreeMap<Fqdn, String> =
            failing.map(|host| (host.clone(), "no such record".to_owned())).collect();
        if failed.is_empty() { Ok(()) } else { Err(OrderFailure::Hosts { failed }) }
    }

    /// Lets time pass, as the machine asks to be called.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.machine.poll_timeout().filter(|next| *next <= end) {
            assert!(next > self.now, "it asks to be called at {next}, which is not ahead of {}", self.now);
            self.now = next;
            self.machine.handle_timeout(self.now, self.wall());
            self.settle();
        }
        self.now = end;
        self.machine.handle_timeout(self.now, self.wall());
        self.settle();
    }

    /// What was done since the last call.
    pub(super) fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    pub(super) fn state(&self, name: &str) -> Option<State> {
        self.machine.certificate(&credential(name)).map(Certificate::state)
    }

    /// The secret that a Gateway has to name, for `CREDENTIAL HOST`.
    pub(super) fn secret(&self, text: &str) -> String {
        let (name, rest) = text.split_once(' ').unwrap();
        self.machine.secret(self.wall(), &credential(name), &host(rest)).name().to_owned()
    }

    /// The serial number of what is served, for `CREDENTIAL HOST`.
    pub(super) fn serves(&self, text: &str) -> Option<u32> {
        let (name, rest) = text.split_once(' ').unwrap();
        let served = self.machine.serving(self.wall(), &credential(name), &host(rest))?;
        Some(served.serial.parse().unwrap())
    }

    /// What Gateways wait for where nothing is live, as `CREDENTIAL HOST`.
    pub(super) fn lacking(&self, next: &GatewayHosts) -> Vec<String> {
        self.lacking_after(&GatewayHosts::default(), next)
    }

    /// The same where these are live.
    pub(super) fn lacking_after(&self, live: &GatewayHosts, next: &GatewayHosts) -> Vec<String> {
        let lacking = self.machine.lacking(self.wall(), next, live);
        lacking.map(|(name, host)| format!("{} {host}", name.name())).collect()
    }

    /// The hosts that fail, of a credential.
    pub(super) fn failing_of(&self, name: &str) -> BTreeSet<Fqdn> {
        let certificate = self.machine.certificate(&credential(name)).unwrap();
        certificate.failing().map(|(host, _)| host.clone()).collect()
    }

    /// What has come to pass since the last call.
    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.machine.poll_event()).collect()
    }

    pub(super) fn restart_and_go_on(&mut self) {
        self.restart();
        self.desire(self.asked.clone());
    }

    /// The same after a restart: only what is stored is known.
    pub(super) fn restart(&mut self) {
        let stored = self.secrets.iter().map(|(name, issued)| (name.clone(), issued.clone())).collect();
        self.machine = Certificates::new(7, stored);
    }
}
