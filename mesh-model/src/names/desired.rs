//! From an access point to what its names are to lead to.
//!
//! One [`Member`] for each target that placement does not let go. A target that
//! was not read, or whose address is not known, is a member all the same: what
//! is published for it stays. Whose health it is, and who holds which address,
//! is asked of the caller.

use std::collections::BTreeMap;

use super::{Answer, Health, Member, Wanted};
use crate::access_point::AccessPoint;
use crate::api::VipScope;
use crate::fleet::Fleet;
use crate::name::Name;
use crate::placement::{Decision, Outcome};
use crate::vip::{ClaimKey, Held};

/// What the names of an access point want, by the `NameProvider` that serves them.
///
/// `decisions` are what [`place`](crate::placement::place) gave for it, `held` says who holds which
/// addresses ([`Allocator::held`](crate::vip::Allocator::held)), `health` how it is on a target. A target that
/// is [let go](Outcome::Drain) is a member no longer, which is a deletion; one that an operator drains is left
/// out as long as that lasts, which is none.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::fleet::Fleet;
/// use mesh_model::names::{Health, wanted};
/// use mesh_model::placement::{Decision, Outcome, Reason};
///
/// let access_point: mesh_model::api::FederatedAccessPoint = serde_saphyr::from_str("
/// apiVersion: overspill.dev/v1alpha1
/// kind: FederatedAccessPoint
/// metadata: { name: shop, namespace: pay }
/// spec:
///   placement: { names: [slc-a-1] }
///   names: [{ fqdn: shop.example.com, provider: corp }]
///   templates: [{ apiVersion: v1, kind: Service, metadata: { name: shop }, spec: { ports: [{ port: 443 }] } }]
/// ")?;
/// let access_point = AccessPoint::try_from(access_point)?;
/// let decisions = [Decision { target: "slc-a-1".parse()?, outcome: Outcome::Retain, reason: Reason::HalfRead }];
/// let wanted = wanted(&access_point, &decisions, &Fleet::default(), |_| None, |_| Health::Unknown);
/// assert_eq!(wanted[&"corp".parse::<mesh_model::name::Name>()?][0].name.as_str(), "shop.example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn wanted<'a>(
    access_point: &AccessPoint,
    decisions: &[Decision],
    fleet: &Fleet,
    held: impl Fn(&ClaimKey) -> Option<&'a Held>,
    health: impl Fn(&Name) -> Health,
) -> BTreeMap<Name, Vec<Wanted>> {
    let is_one = |decision: &&Decision| matches!(decision.outcome, Outcome::Place | Outcome::Retain);
    let is_for_all = access_point.vip.as_ref().is_some_and(|vip| vip.scope == VipScope::All);
    let member = |decision: &Decision| {
        let owner = ClaimKey { owner: access_point.id.clone(), target: Some(decision.target.clone()) };
        let holder = ClaimKey { target: owner.target.clone().filter(|_| !is_for_all), ..owner.clone() };
        let target = fleet.target(access_point.placement.level, decision.target.as_str());
        Member {
            addresses: held(&holder).map(|held| held.addresses.clone()).unwrap_or_default(),
            weight: 1,
            health: health(&decision.target),
            is_drained: target.is_some_and(|target| target.is_drained()),
            owner,
        }
    };
    let members: Vec<Member> = decisions.iter().filter(is_one).map(member).collect();
    let mut wanted: BTreeMap<Name, Vec<Wanted>> = BTreeMap::new();
    for name in &access_point.names {
        wanted.entry(name.provider.clone()).or_default().push(Wanted {
            name: name.fqdn.clone(),
            ttl: name.ttl,
            labels: access_point.labels.clone(),
            answer: Answer::Members(members.clone()),
        });
    }
    wanted
}
