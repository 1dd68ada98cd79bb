//! A choice among targets: placement, overrides, stages and pools all choose so.

use crate::api::{FieldPath, Problem, SpecError, TargetsSpec, repeated};
use crate::fleet::Target;
use crate::labels::Selector;
use crate::name::Name;

/// A choice among targets: each part that is there must hold; without any it is all targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TargetSelection {
    /// Targets of these names.
    pub names: Option<Vec<Name>>,
    /// Targets in these zones.
    pub zones: Option<Vec<Name>>,
    /// Targets in these regions.
    pub regions: Option<Vec<Name>>,
    /// Targets with these labels: the cluster's, or else its zone's.
    pub selector: Option<Selector>,
}

impl TargetSelection {
    /// Whether this target is chosen.
    #[must_use]
    pub fn matches(&self, target: &Target<'_>) -> bool {
        let among =
            |names: &Option<Vec<Name>>, name: &Name| names.as_ref().is_none_or(|names| names.contains(name));
        among(&self.names, target.name())
            && among(&self.zones, &target.zone.name)
            && among(&self.regions, &target.zone.region)
            && self.selector.as_ref().is_none_or(|selector| selector.matches_by(|key| target.label(key)))
    }

    /// Checks a choice as it is written at `path`.
    pub(crate) fn check(spec: TargetsSpec, path: &FieldPath) -> Result<Self, SpecError> {
        let selector = spec.selector.map(|selector| Selector::check(selector, &path.field("selector")));
        Ok(Self {
            names: unique_names(spec.names, &path.field("names"))?,
            zones: unique_names(spec.zones, &path.field("zones"))?,
            regions: unique_names(spec.regions, &path.field("regions"))?,
            selector: selector.transpose()?,
        })
    }
}

/// A list of names that is left out, or has at least one and none twice.
fn unique_names(names: Option<Vec<Name>>, path: &FieldPath) -> Result<Option<Vec<Name>>, SpecError> {
    if let Some(names) = &names {
        if names.is_empty() {
            return Err(path.wrong(Problem::Empty));
        }
        if let Some((position, first)) = repeated(names) {
            let name = names[first].to_string();
            return Err(path.item(position).wrong(Problem::Duplicate { name, first }));
        }
    }
    Ok(names)
}
