//! The claims file: who wants addresses, who has some, what rests.
//!
//! Its records are those that a plan gives: its `held` and `released` go into
//! the next file as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Asked, Claim, ClaimKey, Held, Port, Records, Released, Unclaimed};
use crate::access_point::check_vip;
use crate::api::{FieldPath, PlacementLevel, Problem, SpecError, VipSpec, check_version, repeated};
use crate::fleet::{Fleet, Target};
use crate::labels::check_labels;
use crate::name::Name;
use crate::nearest::nearest;
use crate::provision::check_hosts;
use crate::render::Revision;

/// Claims and records, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimsFile {
    /// Version of this format: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Whether these are all claims; what nobody claims is released then, as far as its pool lets it be without
    /// an approval (`maxReleases`). Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// The hash of releases that are approved, as a plan that holds them back prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Revision>,
    /// Who wants addresses, in a list that may be empty: what nobody claims is released, so a file that ends
    /// before it is no file. No two have one owner.
    pub claims: Vec<ClaimSpec>,
    /// Who has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// What rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<Released>,
}

/// A claim, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimSpec {
    /// Who: `namespace/name@target`, without a target where one allocation is for all.
    pub owner: ClaimKey,
    /// What a target is. Default: cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<PlacementLevel>,
    /// The targets of one allocation for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Name>,
    /// What is wanted, as in an access point.
    #[serde(default)]
    pub vip: VipSpec,
    /// The ports that are served.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ports: BTreeSet<Port>,
    /// The access point's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl ClaimsFile {
    /// The records.
    #[must_use]
    pub fn records(&self) -> Records {
        Records { held: self.held.clone(), released: self.released.clone() }
    }

    /// What becomes of what nobody claims.
    #[must_use]
    pub fn unclaimed(&self) -> Unclaimed {
        if self.complete.unwrap_or(true) {
            Unclaimed::Release { approved: self.approved }
        } else {
            Unclaimed::Keep
        }
    }

    /// The claims as values. Targets are looked up, unless the fleet has no cluster: then they are not known.
    ///
    /// # Errors
    ///
    /// A request or label that cannot be, an owner or target that is there twice, a target that is not in the
    /// fleet, a holder of nothing, or of what no host can have.
    pub fn claims<'a>(&self, fleet: &'a Fleet) -> Result<Vec<Asked<'a>>, SpecError> {
        check_version(self.version)?;
        for (position, held) in self.held.iter().enumerate() {
            let at = FieldPath::default().field("held").item(position).field("addresses");
            if held.addresses.is_empty() {
                return Err(at.wrong(Problem::Nothing { what: "an address" }));
            }
            // an IPv4 address in the clothes of IPv6 would be given to somebody else in its own
            check_hosts(&held.addresses, &at)?;
        }
        for (position, released) in self.released.iter().enumerate() {
            let at = FieldPath::default().field("released").item(position).field("held").field("addresses");
            check_hosts(&released.held.addresses, &at)?;
        }
        let at = FieldPath::default().field("claims");
        let mut seen: BTreeMap<&ClaimKey, usize> = BTreeMap::new();
        let mut asked = Vec::with_capacity(self.claims.len());
        for (position, spec) in self.claims.iter().enumerate() {
            let here = at.item(position);
            if let Some(first) = seen.insert(&spec.owner, position) {
                let name = spec.owner.to_string();
                return Err(here.field("owner").wrong(Problem::Duplicate { name, first }));
            }
            asked.push(one(spec, fleet, &here)?);
        }
        Ok(asked)
    }
}

fn one<'a>(spec: &ClaimSpec, fleet: &'a Fleet, path: &FieldPath) -> Result<Asked<'a>, SpecError> {
    check_labels(&spec.labels, &path.field("labels"))?;
    let request = check_vip(spec.vip.clone(), &path.field("vip"))?;
    let level = spec.level.unwrap_or_default();
    let find = |name: &Name, path: &FieldPath| -> Result<Option<Target<'a>>, SpecError> {
        if fleet.clusters().len() == 0 {
            return Ok(None);
        }
        match fleet.target(level, name.as_str()) {
            Some(target) => Ok(Some(target)),
            None => {
                let names: Vec<&Name> = fleet.targets(level).map(|target| target.name()).collect();
                let near = nearest(name.as_str(), names.iter().map(|name| name.as_str())).map(str::to_owned);
                Err(path.wrong(Problem::Unknown { what: "target", name: name.to_string(), nearest: near }))
            }
        }
    };
    let mut targets = Vec::new();
    if let Some(name) = &spec.owner.target {
        targets.extend(find(name, &path.field("owner"))?);
    }
    if let Some((position, first)) = repeated(&spec.targets) {
        let name = spec.targets[position].to_string();
        return Err(path.field("targets").item(position).wrong(Problem::Duplicate { name, first }));
    }
    for (position, name) in spec.targets.iter().enumerate() {
        targets.extend(find(name, &path.field("targets").item(position))?);
    }
    let claim =
        Claim { key: spec.owner.clone(), request, ports: spec.ports.clone(), labels: spec.labels.clone() };
    Ok(Asked { claim, targets })
}
