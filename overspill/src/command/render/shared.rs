//! Objects that two access points of a namespace would write in one cluster: the later would overwrite the earlier.
//!
//! That is an error of both, as if a template were wrong: neither gets anything there. What is the
//! same is asked of clusters, for a target of one may be the zone whose gateway cluster is the other's.

use std::collections::BTreeMap;

use mesh_model::fleet::Fleet;
use mesh_model::name::Name;
use mesh_model::patch::Pointer;
use mesh_model::render::{RenderError, Writer};
use mesh_model::template::TemplateId;

use super::{Rendered, show};

/// An object in a cluster, and its namespace there.
type Place = (Name, Name, TemplateId);

/// Which rendering of which access point has it, by their positions.
type At = (usize, usize);

/// Adds an error to each rendering of an object that another access point writes, too, and takes its objects away.
pub(super) fn refuse(all: &mut [Rendered<'_>], fleet: &Fleet) {
    let mut errors: Vec<(At, RenderError)> = Vec::new();
    for ((.., object), writers) in writers(all, fleet) {
        for at in &writers {
            // whoever has it with many is told one of them
            if let Some(other) = writers.iter().find(|other| *other != at) {
                errors.push((*at, error(all, &object, *at, *other)));
            }
        }
    }
    for ((access_point, rendering), error) in errors {
        let rendering = &mut all[access_point].renderings[rendering];
        rendering.objects.clear();
        rendering.trace.clear();
        rendering.errors.push(error);
    }
}

/// Who writes each object of each cluster; of one access point it is one rendering at most.
fn writers(all: &[Rendered<'_>], fleet: &Fleet) -> BTreeMap<Place, Vec<At>> {
    let mut writers: BTreeMap<Place, Vec<At>> = BTreeMap::new();
    for (number, one) in all.iter().enumerate() {
        let (namespace, level) =
            (&one.access_point.value.id.namespace, one.access_point.value.placement.level);
        for (position, rendering) in one.renderings.iter().enumerate() {
            let target = fleet.target(level, rendering.target.as_str()).expect("it was rendered for that");
            for object in &rendering.objects {
                let (kind, name) = show::kind_and_name(object);
                let kind = kind.parse().expect("what was rendered is of a kind that is known");
                let object = TemplateId { kind, name: name.into() };
                let place = (target.cluster.name.clone(), namespace.clone(), object);
                writers.entry(place).or_default().push((number, position));
            }
        }
    }
    writers
}

fn error(all: &[Rendered<'_>], object: &TemplateId, at: At, other: At) -> RenderError {
    let target = |(access_point, rendering): At| &all[access_point].renderings[rendering].target;
    let (here, there) = (target(at), target(other));
    let place = if here == there { "there".to_owned() } else { format!("on {there}") };
    let reason = format!(
        "{} writes it {place}, too; rename one of the two, or place them apart",
        all[other.0].access_point.value.id
    );
    let path = Pointer::default().then("metadata").then("name");
    RenderError { object: object.clone(), rule: Writer::Template, path, reason }
}
