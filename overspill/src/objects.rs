//! Objects of our API from files: read, told apart by kind, checked.
//!
//! A file may hold several objects with `---` between, and their order means
//! nothing. Each object keeps the text that it came from, so that whatever is
//! found wrong later has a file, a line and a field. What objects mean is for
//! `mesh_model` to say.

mod fault;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use files::{Fault, Source, nearest};
use mesh_model::access_point::AccessPoint;
use mesh_model::api::{self, Head, Kind, Problem, Reference, Resource, Spec, SpecError};
use mesh_model::fleet::{Fleet, FleetError};
use mesh_model::names::NameService;
use mesh_model::placement::Workload;
use mesh_model::provision::{Issuer, NameProvider, VipPool};
use mesh_model::template::TemplateProblem;
use mesh_model::visibility::{ParseSidecarError, Sidecar};
use serde::de::DeserializeOwned;

use crate::command::no_objects;
pub(crate) use fault::{rendering_faults, template_findings};

/// An object and the text that it came from.
#[derive(Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) source: Rc<Source>,
}

/// Everything that files hold.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) access_points: Vec<Located<AccessPoint>>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) pools: Vec<VipPool>,
    pub(crate) providers: Vec<NameProvider>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) names: Vec<NameService>,
    /// Istio's Sidecars, which are not ours and tell what workloads see.
    pub(crate) sidecars: Vec<Sidecar>,
    zones: Vec<Located<api::AvailabilityZone>>,
    clusters: Vec<Located<api::Cluster>>,
    /// Each object and its text.
    found: BTreeMap<Reference, Rc<Source>>,
}

impl Objects {
    /// Reads files; one that is given twice is read once.
    pub(crate) fn read<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Self, Vec<Fault>> {
        let (mut objects, mut faults, mut seen) = (Self::default(), Vec::new(), Vec::new());
        for path in paths {
            // the same file by another path is the same file; a path that leads nowhere is told below
            let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            if seen.contains(&file) {
                continue;
            }
            seen.push(file);
            match Source::read(path) {
                Ok(source) => {
                    let wrong = objects.add(&source);
                    // the first field of another kind of file would lead nowhere
                    let misplaced = (!wrong.is_empty()).then(|| no_objects(&source)).flatten();
                    faults.extend(misplaced.map_or(wrong, |fault| vec![fault]));
                }
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(objects) } else { Err(faults) }
    }

    /// Adds the objects of a file and tells what is wrong with those that are none.
    pub(crate) fn add(&mut self, source: &Source) -> Vec<Fault> {
        let add = |document: Source| self.add_one(&Rc::new(document)).err();
        source.documents().into_iter().filter_map(add).collect()
    }

    /// What was found, by kind, namespace and name, with its text.
    pub(crate) const fn found(&self) -> &BTreeMap<Reference, Rc<Source>> {
        &self.found
    }

    /// The text of an object, if it is there.
    pub(crate) fn source(&self, reference: &Reference) -> Option<&Source> {
        self.found.get(reference).map(|source| &**source)
    }

    /// The zones and clusters together.
    pub(crate) fn fleet(&self) -> Result<Fleet, Fault> {
        self.fleet_with(None, Vec::new())
    }

    /// The same together with those of other files.
    pub(crate) fn fleet_beside(&self, around: &Self) -> Result<Fleet, Fault> {
        self.fleet_with(Some(around), Vec::new())
    }

    /// Whether a zone or a cluster is among them.
    pub(crate) const fn has_fleet(&self) -> bool {
        !self.zones.is_empty() || !self.clusters.is_empty()
    }

    /// The same where no zone is in the files: those that clusters name are taken to be elsewhere.
    pub(crate) fn fleet_by_itself(&self) -> Result<Fleet, Fault> {
        if !self.zones.is_empty() {
            return self.fleet();
        }
        let mut elsewhere: BTreeMap<_, api::AvailabilityZone> = BTreeMap::new();
        for cluster in &self.clusters {
            let zone = &cluster.value.spec.zone;
            let spec = api::AvailabilityZoneSpec { region: zone.clone(), drain: false, east_west: None };
            let metadata = api::Metadata {
                name: zone.clone(),
                namespace: None,
                labels: BTreeMap::new(),
                ..cluster.value.metadata.clone()
            };
            elsewhere.entry(zone.clone()).or_insert_with(|| Resource::new(metadata, spec));
        }
        self.fleet_with(None, elsewhere.into_values().collect())
    }

    /// A fault of a field of a zone.
    pub(crate) fn zone_fault(&self, name: &str, field: &str, message: String) -> Fault {
        match self.zones.iter().find(|zone| zone.value.metadata.name == *name) {
            Some(zone) => zone.source.fault(field, message),
            None => Fault::whole(format!("AvailabilityZone/{name}"), message),
        }
    }

    fn fleet_with(
        &self,
        around: Option<&Self>,
        elsewhere: Vec<api::AvailabilityZone>,
    ) -> Result<Fleet, Fault> {
        let all = || [Some(self), around].into_iter().flatten();
        let zones = all().flat_map(|one| &one.zones).map(|zone| zone.value.clone()).chain(elsewhere);
        let clusters = all().flat_map(|one| &one.clusters).map(|cluster| cluster.value.clone());
        Fleet::new(zones.collect(), clusters.collect()).map_err(|FleetError { object, error }| {
            let zones = all().flat_map(|one| &one.zones).map(|zone| (zone.value.reference(), &zone.source));
            let clusters = all()
                .flat_map(|one| &one.clusters)
                .map(|cluster| (cluster.value.reference(), &cluster.source));
            let source = zones.chain(clusters).find(|(reference, _)| *reference == object);
            match source {
                Some((_, source)) => spec_fault(source, &error),
                None => Fault::whole(object.to_string(), error.to_string()),
            }
        })
    }

    fn add_one(&mut self, source: &Rc<Source>) -> Result<(), Fault> {
        let head: Head = source.parse()?;
        if is_sidecar(&head) {
            self.sidecars.push(sidecar(source)?);
            return Ok(());
        }
        let kind = head.kind().map_err(|error| head_fault(source, &error))?;
        let located = |value| Located { value, source: Rc::clone(source) };
        match kind {
            Kind::AvailabilityZone => {
                let zone: api::AvailabilityZone = source.parse()?;
                self.note(zone.reference(), source)?;
                self.zones.push(Located { value: zone, source: Rc::clone(source) });
            }
            Kind::Cluster => {
                let cluster: api::Cluster = source.parse()?;
                self.note(cluster.reference(), source)?;
                self.clusters.push(Located { value: cluster, source: Rc::clone(source) });
            }
            Kind::FederatedAccessPoint => {
                let access_point = self.checked::<_, AccessPoint>(source)?;
                self.access_points.push(located(access_point));
            }
            Kind::FederatedDeployment => {
                let workload = self.checked::<_, Workload>(source)?;
                self.workloads.push(workload);
            }
            Kind::Issuer => {
                let issuer = self.checked(source)?;
                self.issuers.push(issuer);
            }
            Kind::NameProvider => {
                let provider = self.checked(source)?;
                self.providers.push(provider);
            }
            Kind::NameService => {
                let name = self.checked(source)?;
                self.names.push(name);
            }
            Kind::VipPool => {
                let pool = self.checked(source)?;
                self.pools.push(pool);
            }
        }
        Ok(())
    }

    /// Reads an object completely.
    fn checked<S: Spec, T: TryFrom<Resource<S>, Error = SpecError>>(
        &mut self,
        source: &Rc<Source>,
    ) -> Result<T, Fault>
    where
        Resource<S>: DeserializeOwned,
    {
        let object: Resource<S> = source.parse()?;
        let reference = object.reference();
        let value = T::try_from(object).map_err(|error| spec_fault(source, &error))?;
        self.note(reference, source)?;
        Ok(value)
    }

    /// Takes note that an object is there; no two are one.
    fn note(&mut self, reference: Reference, source: &Rc<Source>) -> Result<(), Fault> {
        if let Some(other) = self.found.get(&reference) {
            let (file, line) = (other.name(), other.first_line());
            let message = format!("{reference} is in {file} at line {line} already; remove one of the two");
            return Err(source.fault("metadata.name", message));
        }
        self.found.insert(reference, Rc::clone(source));
        Ok(())
    }
}

/// Whether a document is a Sidecar of Istio.
fn is_sidecar(head: &Head) -> bool {
    let group = head.api_version.as_deref().and_then(|version| version.split_once('/'));
    head.kind.as_deref() == Some("Sidecar") && group.is_some_and(|(group, _)| group == "networking.istio.io")
}

fn sidecar(source: &Source) -> Result<Sidecar, Fault> {
    let object: serde_json::Value = source.parse()?;
    Sidecar::from_value(&object).map_err(|error| {
        let field = match &error {
            ParseSidecarError::Host { .. } => "spec.egress",
            ParseSidecarError::Missing { .. } => "metadata",
        };
        source.fault(field, error.to_string())
    })
}

/// A fault of one field of what a file says; of two that cannot both be, the first is named by its line.
pub(crate) fn spec_fault(source: &Source, error: &SpecError) -> Fault {
    let fault = source.fault(&error.path.to_string(), error.problem.to_string());
    let what = match &error.problem {
        Problem::Duplicate { name, .. } => format!("`{name}`"),
        Problem::Template(TemplateProblem::Duplicate { id, .. }) => id.to_string(),
        _ => return fault,
    };
    let first = error.first_of_two().map(|path| source.fault(&path.to_string(), String::new()));
    let Some((line, column)) = first.and_then(|first| first.line.zip(first.column)) else { return fault };
    let place = if Some(line) == fault.line {
        format!("at column {column} of this line")
    } else {
        format!("on line {line}")
    };
    Fault {
        message: format!("{what} stands {place} already; write another, or remove one of the two"),
        ..fault
    }
}

/// A fault of what a document says that it is.
fn head_fault(source: &Source, error: &api::HeadError) -> Fault {
    let wanted = match error {
        api::HeadError::NoKind => Some("kind"),
        api::HeadError::ApiVersion { found, .. } if found.is_empty() => Some("apiVersion"),
        api::HeadError::ApiVersion { .. } | api::HeadError::Kind { .. } => None,
    };
    let is_meant = |field: &String| nearest(field, wanted.into_iter()).is_some();
    if let (Some(wanted), Some(found)) = (wanted, source.top_fields().into_iter().find(is_meant)) {
        return source.fault(&found, format!("unknown field `{found}`; did you mean `{wanted}`?"));
    }
    let field = match error {
        api::HeadError::ApiVersion { .. } => "apiVersion",
        api::HeadError::Kind { .. } => "kind",
        api::HeadError::NoKind => return Fault { field: None, ..source.fault("", error.to_string()) },
    };
    source.fault(field, error.to_string())
}
