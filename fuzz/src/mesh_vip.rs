//! Claims, releases, restarts and pools in any order, from any records: nobody's address moves.
//!
//! The records to begin with may contradict themselves: that is reported and
//! changes nothing. What must hold in any case: a holder has what it had until
//! it releases it, whatever others do; no two get one address unless both agreed
//! to share it; all families or none; a restart, in whatever order the records
//! are read, is no event.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use arbitrary::{Arbitrary, Unstructured};
use mesh_model::access_point::{Sharing, VipRequest};
use mesh_model::api::{self, IpFamily, VipScope};
use mesh_model::labels::Labels;
use mesh_model::name::Name;
use mesh_model::provision::VipPool;
use mesh_model::time::WallTime;
use mesh_model::vip::{Allocator, Asked, Claim, ClaimKey, Held, Records, Unclaimed, plan};

/// Operations of one input at most.
const MAX_OPERATIONS: usize = 100;
const POOLS: [&str; 4] = [
    r#"{ "addresses": ["10.0.0.0-10.0.0.3", "2001:db8::-2001:db8::2"], "quarantine": "30s" }"#,
    r#"{ "addresses": ["10.0.0.1-10.0.0.5", "2001:db8::1-2001:db8::3"], "quarantine": "30s" }"#,
    r#"{ "addresses": ["10.0.0.2", "2001:db8::/64"], "quarantine": "30s" }"#,
    r#"{ "addresses": ["2001:db8::/126"], "priority": 7 }"#,
];

/// One thing that happens.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    Claim(ClaimInput),
    Pass { seconds: u8 },
    Plan { claims: [ClaimInput; 4], count: u8, is_complete: bool },
    Pools { which: u8 },
    Release { owner: u8 },
    Restart { is_reversed: bool },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct ClaimInput {
    owner: u8,
    sharing: u8,
    ports: u8,
    families: u8,
    address: u8,
}

/// A record to begin with.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct HeldInput {
    owner: u8,
    addresses: u8,
    sharing: u8,
    ports: u8,
}

/// Plays the operations that the bytes stand for.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok((which, records)) = <(u8, Vec<HeldInput>)>::arbitrary(&mut input) else { return };
    let held: Vec<Held> = records.iter().take(8).map(held).collect();
    let mut recorded: BTreeMap<ClaimKey, BTreeSet<IpAddr>> = BTreeMap::new();
    for one in &held {
        recorded.entry(one.owner.clone()).or_default().extend(&one.addresses);
    }
    let pools = pools(which);
    let (allocator, _) = Allocator::new(pools.clone(), Records { held, released: Vec::new() });
    let mut course = Course { allocator, pools, now: 0, tolerated: BTreeSet::new() };
    for (owner, addresses) in recorded {
        let has: BTreeSet<IpAddr> = course.holding(&owner).into_iter().collect();
        assert_eq!(has, addresses, "what was recorded of {owner} is not what it has");
    }
    course.tolerated = course.conflicts();
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        course.play(operation);
        let new: Vec<_> = course.conflicts().difference(&course.tolerated).cloned().collect();
        assert_eq!(new, [], "who did not agree are at one address after {operation:?}");
    }
}

struct Course {
    allocator: Allocator,
    pools: Vec<VipPool>,
    now: i64,
    /// Conflicts that the records to begin with had.
    tolerated: BTreeSet<(IpAddr, ClaimKey, ClaimKey)>,
}

impl Course {
    fn play(&mut self, operation: Operation) {
        let before = self.allocator.records();
        match operation {
            Operation::Claim(input) => return self.claim(&claim(&input), &before),
            Operation::Pass { seconds } => self.now += i64::from(seconds),
            Operation::Plan { claims, count, is_complete } => {
                self.plan(&claims[..usize::from(count % 5)], is_complete, &before);
            }
            Operation::Pools { which } => {
                self.pools = pools(which);
                self.allocator.handle_pools(self.pools.clone());
            }
            Operation::Release { owner } => {
                let owner = owner_of(owner);
                self.allocator.release(self.wall(), &owner);
                assert_eq!(self.allocator.held(&owner), None);
                let mut others = before.held;
                others.retain(|held| held.owner != owner);
                return assert_eq!(self.allocator.records().held, others);
            }
            Operation::Restart { is_reversed } => {
                let mut records = before.clone();
                if is_reversed {
                    records.held.reverse();
                    records.released.reverse();
                }
                self.allocator = Allocator::new(self.pools.clone(), records).0;
                assert_eq!(self.allocator.records(), before);
            }
        }
        assert_eq!(self.allocator.records().held, before.held, "somebody's addresses changed");
    }

    fn claim(&mut self, claim: &Claim, before: &Records) {
        let had = self.holding(&claim.key);
        let result = self.allocator.claim(self.wall(), claim, &[]);
        let after = self.allocator.records().held;
        let others = |held: &[Held]| -> Vec<Held> {
            held.iter().filter(|held| held.owner != claim.key).cloned().collect()
        };
        assert_eq!(others(&after), others(&before.held), "somebody else's addresses changed");
        match result {
            Err(refusal) => {
                assert_eq!(after, before.held, "refused, and something changed");
                assert!(!refusal.to_string().is_empty());
            }
            Ok(held) => {
                assert!(
                    had.iter().all(|address| held.addresses.contains(address)),
                    "{had:?} moved to {held:?}"
                );
                for family in &claim.request.families {
                    let is = |address: &IpAddr| address.is_ipv4() == (*family == IpFamily::Ipv4);
                    assert!(held.addresses.iter().any(is), "{family:?} is missing in {held:?}");
                }
                let again = self.allocator.claim(self.wall(), claim, &[]);
                assert_eq!(again.as_ref(), Ok(&held), "asking again changed something");
            }
        }
    }

    /// All at once gives what is written down; whoever has something keeps it, if it still claims it or nobody knows.
    fn plan(&self, claims: &[ClaimInput], is_complete: bool, before: &Records) {
        let mut asked: BTreeMap<ClaimKey, Claim> = BTreeMap::new();
        for input in claims {
            let claim = claim(input);
            asked.insert(claim.key.clone(), claim);
        }
        let list = |claims: Vec<&Claim>| -> Vec<Asked<'_>> {
            claims.into_iter().map(|claim| Asked { claim: claim.clone(), targets: Vec::new() }).collect()
        };
        let (forth, back) = (list(asked.values().collect()), list(asked.values().rev().collect()));
        let mut turned = before.clone();
        turned.held.reverse();
        let unclaimed = if is_complete { Unclaimed::Release { approved: None } } else { Unclaimed::Keep };
        let planned = plan(self.pools.clone(), forth.clone(), before.clone(), unclaimed, self.wall());
        let other = plan(self.pools.clone(), back, turned, unclaimed, self.wall());
        assert_eq!(planned, other, "the order of the input matters");
        for held in before.held.iter().filter(|held| !is_complete || asked.contains_key(&held.owner)) {
            let now = planned.assigned.iter().find(|one| one.owner == held.owner);
            let addresses = now.map(|one| one.addresses.as_slice()).unwrap_or_default();
            assert!(held.addresses.iter().all(|address| addresses.contains(address)), "{held:?} is {now:?}");
        }
        let written = Records { held: planned.held.clone(), released: planned.released.clone() };
        let again = plan(self.pools.clone(), forth, written, unclaimed, self.wall());
        assert_eq!(again.held, planned.held, "what was decided is not settled");
        assert_eq!(again.hash, planned.hash, "what was approved is something else now");
    }

    fn holding(&self, owner: &ClaimKey) -> Vec<IpAddr> {
        self.allocator.held(owner).map(|held| held.addresses.clone()).unwrap_or_default()
    }

    fn wall(&self) -> WallTime {
        WallTime::from_unix_seconds(1_800_000_000 + self.now)
    }

    /// Pairs at one address that did not both agree to share it.
    fn conflicts(&self) -> BTreeSet<(IpAddr, ClaimKey, ClaimKey)> {
        let held = self.allocator.records().held;
        let mut conflicts = BTreeSet::new();
        for (at, one) in held.iter().enumerate() {
            for other in &held[at + 1..] {
                for address in one.addresses.iter().filter(|address| other.addresses.contains(address)) {
                    if !agree(one, other) {
                        conflicts.insert((*address, one.owner.clone(), other.owner.clone()));
                    }
                }
            }
        }
        conflicts
    }
}

fn agree(one: &Held, other: &Held) -> bool {
    one.sharing_key.is_some()
        && one.sharing_key == other.sharing_key
        && one.isolation_group == other.isolation_group
        && one.owner.target == other.owner.target
        && !one.ports.is_empty()
        && !other.ports.is_empty()
        && one.ports.is_disjoint(&other.ports)
}

fn pools(which: u8) -> Vec<VipPool> {
    let chosen = POOLS.iter().enumerate().filter(|(at, _)| which >> at & 1 == 1);
    let pool = |(at, spec): (usize, &&str)| {
        let text = format!(
            r#"{{ "apiVersion": "overspill.dev/v1alpha1", "kind": "VipPool", "metadata": {{ "name": "pool-{at}" }}, "spec": {spec} }}"#
        );
        let pool: api::VipPool = serde_json::from_str(&text).expect("is a pool");
        VipPool::try_from(pool).expect("is right")
    };
    chosen.map(pool).collect()
}

fn claim(input: &ClaimInput) -> Claim {
    // as an access point may have it: certain addresses are for all targets, and say the families
    let is_certain = input.address >= 200;
    let key = owner_of(if is_certain { input.owner % 8 } else { input.owner });
    let (sharing_key, isolation_group) = sharing(input.sharing);
    let families = if is_certain { Vec::new() } else { vec![IpFamily::Ipv4, IpFamily::Ipv6] };
    let families = families.into_iter().enumerate().filter(|(at, _)| input.families >> at & 1 == 1);
    let request = VipRequest {
        pool: (input.families & 0b1100 == 0b1100).then(|| name("pool-1")),
        scope: if key.target.is_some() { VipScope::Target } else { VipScope::All },
        sharing: sharing_key.map_or(Sharing::Exclusive, Sharing::Key),
        isolation_group,
        families: families.map(|(_, family)| family).collect(),
        addresses: if is_certain { vec![address(input.address)] } else { Vec::new() },
    };
    Claim { key, request, ports: ports(input.ports), labels: Labels::new() }
}

fn held(input: &HeldInput) -> Held {
    let addresses = (0..8).filter(|at| input.addresses >> at & 1 == 1).map(address).collect();
    let (sharing_key, isolation_group) = sharing(input.sharing);
    let owner = owner_of(input.owner);
    Held { owner, pool: name("pool-0"), addresses, sharing_key, isolation_group, ports: ports(input.ports) }
}

fn sharing(number: u8) -> (Option<Name>, Option<Name>) {
    let key = (number & 1 == 1).then(|| name(if number & 2 == 0 { "one" } else { "other" }));
    (key, (number & 4 == 4).then(|| name("group")))
}

fn ports(bits: u8) -> BTreeSet<mesh_model::vip::Port> {
    let all = ["80/tcp", "443/tcp", "53/udp"].into_iter().enumerate();
    all.filter(|(at, _)| bits >> at & 1 == 1).map(|(_, text)| text.parse().expect("is one")).collect()
}

fn address(number: u8) -> IpAddr {
    let text = match number % 8 {
        six @ 0..3 => format!("2001:db8::{six}"),
        four => format!("10.0.0.{}", four - 3),
    };
    text.parse().expect("is one")
}

fn owner_of(number: u8) -> ClaimKey {
    let target = if number & 8 == 8 { "@t" } else { "" };
    format!("n/x{}{target}", number % 8).parse().expect("is one")
}

fn name(text: &str) -> Name {
    text.parse().expect("is a name")
}
