//! The allocator beside a naive one: a list of who is where, gone through address by address.
//!
//! Whatever happens (claims, releases, time, restarts in any order, pools that
//! change), both give the same, and nobody ever has an address with a stranger
//! or loses one that was not released.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Claim { owner: usize, key: usize, port: usize, families: usize, address: Option<u8> },
    Pass(i64),
    Pools(usize),
    Release(usize),
    Restart { is_reversed: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let claim = (0..6_usize, 0..3_usize, 0..3_usize, 0..3_usize, prop::option::weighted(0.2, 0..6_u8));
    prop_oneof![
        6 => claim.prop_map(|(owner, key, port, families, address)| Step::Claim { owner, key, port, families, address }),
        3 => (0..6_usize).prop_map(Step::Release),
        2 => (0..40_i64).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(|is_reversed| Step::Restart { is_reversed }),
        1 => (0..4_usize).prop_map(Step::Pools),
    ]
}

const POOLS: [&str; 4] = [
    "{ addresses: [10.0.0.0-10.0.0.3, \"2001:db8::-2001:db8::2\"], quarantine: 30s }",
    "{ addresses: [10.0.0.1-10.0.0.5, \"2001:db8::1-2001:db8::3\"], quarantine: 30s }",
    "{ addresses: [10.0.0.2, \"2001:db8::/64\"], quarantine: 30s }",
    "{ addresses: [10.0.0.0-10.0.0.4], quarantine: 30s }",
];

/// The families that a claim is for: those that it names, or else those of the pool.
fn families(claim: &Claim, pool: &VipPool) -> Vec<IpFamily> {
    let named = &claim.request.families;
    let of_pool = pool.ranges.iter().map(crate::provision::AddressRange::family).collect::<BTreeSet<_>>();
    if named.is_empty() { of_pool.into_iter().collect() } else { named.clone() }
}

/// Who is somewhere, on which terms; until when, if it has left.
#[derive(Clone, Debug, PartialEq)]
struct Stay {
    owner: ClaimKey,
    address: IpAddr,
    key: Option<Name>,
    ports: BTreeSet<Port>,
    until: Option<WallTime>,
}

#[derive(Default)]
struct Naive {
    stays: Vec<Stay>,
    now: i64,
}

impl Naive {
    fn agrees(stay: &Stay, claim: &Claim) -> bool {
        let Sharing::Key(key) = &claim.request.sharing else { return false };
        stay.key.as_ref() == Some(key) && stay.ports.is_disjoint(&claim.ports)
    }

    fn forget(&mut self) {
        let now = at(self.now);
        self.stays.retain(|stay| stay.until.is_none_or(|until| until > now));
    }

    fn fits(&self, address: IpAddr, claim: &Claim) -> bool {
        let others = self.stays.iter().filter(|stay| stay.address == address && stay.owner != claim.key);
        others.into_iter().all(|stay| Self::agrees(stay, claim))
    }

    fn holding(&self, owner: &ClaimKey) -> Vec<IpAddr> {
        let held = self.stays.iter().filter(|stay| stay.owner == *owner && stay.until.is_none());
        held.map(|stay| stay.address).collect()
    }

    /// What one without addresses gets, by trying one address after the other.
    fn choose(&self, claim: &Claim, pool: &VipPool) -> Option<Vec<IpAddr>> {
        // of a /64 the first few are enough: there are fewer tenants
        let few = |range: &crate::provision::AddressRange| range.iter().take(40).collect::<Vec<_>>();
        let all: Vec<IpAddr> = pool.ranges.iter().flat_map(few).collect();
        let is = |family: &IpFamily, address: &IpAddr| address.is_ipv4() == (*family == IpFamily::Ipv4);
        let of = |from: &[IpAddr]| -> Option<Vec<IpAddr>> {
            let families = families(claim, pool);
            families.iter().map(|family| from.iter().copied().find(|address| is(family, address))).collect()
        };
        let mine: Vec<IpAddr> = {
            let rests =
                self.stays.iter().filter(|stay| stay.owner == claim.key && all.contains(&stay.address));
            let rests = rests.map(|stay| stay.address).filter(|address| self.fits(*address, claim));
            rests.collect::<BTreeSet<_>>().into_iter().collect()
        };
        if !claim.request.addresses.is_empty() {
            let wanted = &claim.request.addresses;
            let can = wanted.iter().all(|address| all.contains(address) && self.fits(*address, claim));
            return can.then(|| wanted.clone());
        }
        if let Some(own) = of(&mine) {
            return Some(own);
        }
        if let Sharing::Key(key) = &claim.request.sharing {
            for address in &all {
                let mut holders: Vec<&Stay> = self
                    .stays
                    .iter()
                    .filter(|stay| {
                        stay.address == *address && stay.until.is_none() && stay.key.as_ref() == Some(key)
                    })
                    .collect();
                holders.sort_by(|left, right| left.owner.cmp(&right.owner));
                for holder in holders {
                    let theirs = self.holding(&holder.owner);
                    if let Some(chosen) = of(&theirs)
                        && chosen.iter().all(|address| all.contains(address) && self.fits(*address, claim))
                    {
                        return Some(chosen);
                    }
                }
            }
        }
        let free: Vec<IpAddr> = all
            .into_iter()
            .filter(|address| !self.stays.iter().any(|stay| stay.address == *address))
            .collect();
        of(&free)
    }
}

fn claim_of(owner: usize, key: usize, port: usize, families: usize, address: Option<u8>) -> Claim {
    let mut claim = claim(&format!("n/x{owner}"));
    if key > 0 {
        claim.request.sharing = Sharing::Key(format!("k{key}").parse().unwrap());
    }
    claim.ports = ports(["443/tcp", "443/udp", "80/tcp 443/tcp"][port]);
    claim.request.families =
        [vec![], vec![IpFamily::Ipv4], vec![IpFamily::Ipv4, IpFamily::Ipv6]][families].clone();
    if let Some(last) = address {
        claim.request.families.clear();
        claim.request.addresses = vec![IpAddr::from([10, 0, 0, last])];
    }
    claim
}

/// No two strangers at one address, and every holding where it was.
fn check(allocator: &Allocator, naive: &Naive) -> Result<(), TestCaseError> {
    let records = allocator.records();
    for held in &records.held {
        prop_assert_eq!(
            held.addresses.iter().copied().collect::<BTreeSet<_>>(),
            naive.holding(&held.owner).into_iter().collect::<BTreeSet<_>>()
        );
        for other in records.held.iter().filter(|other| other.owner != held.owner) {
            let common = held.addresses.iter().any(|address| other.addresses.contains(address));
            let agreed = held.sharing_key.is_some()
                && held.sharing_key == other.sharing_key
                && held.ports.is_disjoint(&other.ports);
            prop_assert!(!common || agreed, "{:?} {:?}", held, other);
        }
    }
    let holders: BTreeSet<&ClaimKey> =
        naive.stays.iter().filter(|stay| stay.until.is_none()).map(|stay| &stay.owner).collect();
    prop_assert_eq!(holders.len(), records.held.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn both_give_the_same(steps in prop::collection::vec(step(), 1..40)) {
        let mut pools = vec![pool("p", POOLS[0])];
        let mut allocator = allocator(&pools);
        let mut naive = Naive::default();
        for step in steps {
            naive.forget();
            match step {
                Step::Claim { owner, key, port, families: named, address } => {
                    let claim = claim_of(owner, key, port, named, address);
                    let got = allocator.claim(at(naive.now), &claim, &[]).map(|held| held.addresses);
                    let had = naive.holding(&claim.key);
                    if had.is_empty() {
                        let expected = naive.choose(&claim, &pools[0]);
                        prop_assert_eq!(got.ok(), expected.clone(), "{:?}", claim);
                        take(&mut naive, &claim, expected.unwrap_or_default());
                    } else if let Ok(addresses) = got {
                        prop_assert!(had.iter().all(|address| addresses.contains(address)), "{:?} moved to {:?}", had, addresses);
                        // one of a family that it lacked is free, or of one who shares with it
                        let partners: Vec<ClaimKey> = naive.stays.iter().filter(|stay| stay.until.is_none() && had.contains(&stay.address)).map(|stay| stay.owner.clone()).collect();
                        let is_partners = |address: &IpAddr| partners.iter().any(|partner| naive.holding(partner).contains(address));
                        prop_assert!(addresses.iter().all(|address| is_partners(address) || !naive.stays.iter().any(|stay| stay.address == *address)));
                        if claim.request.addresses.is_empty() {
                            let is = |family: &IpFamily| addresses.iter().any(|address| address.is_ipv4() == (*family == IpFamily::Ipv4));
                            prop_assert!(families(&claim, &pools[0]).iter().all(is), "{:?} lack one", addresses);
                        }
                        prop_assert!(addresses.iter().all(|address| naive.fits(*address, &claim)));
                        drop_ports(&mut naive, &claim, &had);
                        take(&mut naive, &claim, addresses);
                    }
                }
                Step::Pass(seconds) => naive.now += seconds,
                Step::Pools(which) => {
                    pools = vec![pool("p", POOLS[which])];
                    allocator.handle_pools(pools.clone());
                }
                Step::Release(owner) => {
                    let owner: ClaimKey = format!("n/x{owner}").parse().unwrap();
                    allocator.release(at(naive.now), &owner);
                    let until = at(naive.now + 30);
                    for stay in naive.stays.iter_mut().filter(|stay| stay.owner == owner && stay.until.is_none()) {
                        stay.until = Some(until);
                    }
                    join_rests(&mut naive);
                }
                Step::Restart { is_reversed } => {
                    let mut records = allocator.records();
                    if is_reversed {
                        records.held.reverse();
                        records.released.reverse();
                    }
                    let (other, problems) = Allocator::new(pools.clone(), records);
                    let is_told = |problem: &RecordProblem| matches!(problem, RecordProblem::Outside { .. });
                    prop_assert!(problems.iter().all(is_told), "{:?}", problems);
                    prop_assert_eq!(other.records(), allocator.records());
                    allocator = other;
                }
            }
            check(&allocator, &naive)?;
        }
    }
}

fn take(naive: &mut Naive, claim: &Claim, addresses: Vec<IpAddr>) {
    let key = match &claim.request.sharing {
        Sharing::Exclusive => None,
        Sharing::Key(key) => Some(key.clone()),
    };
    naive.stays.retain(|stay| stay.owner != claim.key || stay.until.is_some());
    for address in addresses {
        naive.stays.retain(|stay| {
            stay.owner != claim.key || stay.address != address || !stay.ports.is_subset(&claim.ports)
        });
        let stay = Stay {
            owner: claim.key.clone(),
            address,
            key: key.clone(),
            ports: claim.ports.clone(),
            until: None,
        };
        naive.stays.push(stay);
    }
}

/// Ports that a sharer no longer serves rest where they were served.
fn drop_ports(naive: &mut Naive, claim: &Claim, had: &[IpAddr]) {
    let until = at(naive.now + 30);
    let old = naive.stays.iter().filter(|stay| stay.owner == claim.key && stay.until.is_none());
    let old = old.filter(|stay| {
        stay.key.is_some() && !stay.ports.is_subset(&claim.ports) && had.contains(&stay.address)
    });
    let rests: Vec<Stay> = old.map(|stay| Stay { until: Some(until), ..stay.clone() }).collect();
    naive.stays.extend(rests);
    join_rests(naive);
}

/// One rest of an owner at an address: the later's key, all ports, the longer time.
fn join_rests(naive: &mut Naive) {
    let mut joined: Vec<Stay> = Vec::new();
    for stay in std::mem::take(&mut naive.stays) {
        let same = |other: &&mut Stay| {
            other.until.is_some()
                && stay.until.is_some()
                && other.owner == stay.owner
                && other.address == stay.address
        };
        match joined.iter_mut().find(same) {
            Some(other) => {
                other.ports.extend(&stay.ports);
                other.key = if stay.until >= other.until { stay.key } else { other.key.clone() };
                other.until = other.until.max(stay.until);
            }
            None => joined.push(stay),
        }
    }
    naive.stays = joined;
}
