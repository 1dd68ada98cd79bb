//! The files of the planner by itself: names that are wanted, records that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Answer, Health, Member, Record, RecordKind, Wanted};
use crate::access_point::whole_seconds;
use crate::api::{self, FieldPath, Problem, SpecError, Step, check_version};
use crate::labels::check_labels;
use crate::name::{DnsName, Fqdn};
use crate::provision::{NameProvider, check_hosts};
use crate::render::Revision;
use crate::units::HumanDuration;
use crate::vip::ClaimKey;

/// How long resolvers may remember a name where the file does not say.
const TTL: HumanDuration = HumanDuration::from_secs(30);

/// What is wanted of one provider, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DesiredFile {
    /// Version of this format: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The provider: the whole object.
    pub provider: api::NameProvider,
    /// The hash of deletions that are approved, as a plan that holds them back prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Revision>,
    /// All names that are wanted, in a list that may be empty: what is not in it is no longer wanted, so a
    /// file that ends before it is no file. Several may be one.
    pub names: Vec<WantedSpec>,
}

/// A name, as it is written: one of `members` and `alias`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedSpec {
    /// The name.
    pub name: Fqdn,
    /// How long resolvers may remember it, in whole seconds from 1s to 7d. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<HumanDuration>,
    /// Whether each member has a record of its own with its weight. Default: false.
    #[serde(default)]
    pub weighted: bool,
    /// The labels of the access point, which the provider selects by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<MemberSpec>>,
    /// The name that it is an alias of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Fqdn>,
    /// Who wants the alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ClaimKey>,
}

/// A member, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberSpec {
    /// Which: `namespace/name@target`.
    pub owner: ClaimKey,
    /// Its addresses; while there are none, those that are published stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Its share beside the others; 0 takes it out. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// How it is. Default: unknown.
    #[serde(default)]
    pub health: Health,
    /// Whether traffic is to be off it. Default: false.
    #[serde(default)]
    pub drained: bool,
}

/// What a provider has, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CurrentFile {
    /// Version of this format: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// All records of the provider's domains, marks and those of others too, in a list that may be empty: what is
    /// not in it is not there, so a file that ends before it is no file.
    pub records: Vec<RecordSpec>,
}

/// A record, as it is written: like a [`Record`], of any name that a zone may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordSpec {
    /// Its name.
    pub name: DnsName,
    /// Its kind.
    pub kind: RecordKind,
    /// Its values as text: addresses, a name without the last dot, texts without quotes or as in a zone file.
    pub values: BTreeSet<String>,
    /// How long resolvers may remember it.
    pub ttl: HumanDuration,
    /// Which of several records of one name and kind, where the provider has weighted ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_id: Option<String>,
    /// Its share beside the other sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

impl DesiredFile {
    /// The provider and the names as values.
    ///
    /// # Errors
    ///
    /// What cannot be of the provider, a time to live, a name without exactly one answer, or with one member twice.
    pub fn check(&self) -> Result<(NameProvider, Vec<Wanted>), SpecError> {
        check_version(self.version)?;
        let provider = NameProvider::try_from(self.provider.clone()).map_err(|error| {
            let steps = error.path.steps().iter();
            let path = steps.fold(FieldPath::default().field("provider"), |path, step| match step {
                Step::Field(name) => path.field(name),
                Step::Index(position) => path.item(*position),
            });
            SpecError { path, problem: error.problem }
        })?;
        let at = FieldPath::default().field("names");
        let wanted = self.names.iter().enumerate().map(|(position, spec)| one(spec, &at.item(position)));
        Ok((provider, wanted.collect::<Result<_, _>>()?))
    }
}

impl CurrentFile {
    /// The records as values, without those whose names no host can have: nobody can want these or mark them,
    /// so they are others', and in nobody's way.
    ///
    /// # Errors
    ///
    /// A record that is there twice: a provider has one of each name, kind and set.
    pub fn check(&self) -> Result<Vec<Record>, SpecError> {
        check_version(self.version)?;
        let at = FieldPath::default().field("records");
        let mut seen = BTreeMap::new();
        for (position, record) in self.records.iter().enumerate() {
            let key = (&record.name, &record.kind, record.set_id.as_deref());
            if let Some(first) = seen.insert(key, position) {
                let name = format!("{} {}", record.kind, record.name);
                return Err(at.item(position).field("name").wrong(Problem::Duplicate { name, first }));
            }
        }
        Ok(self.records.iter().filter_map(RecordSpec::record).collect())
    }
}

impl RecordSpec {
    /// The record, if a host can have its name.
    fn record(&self) -> Option<Record> {
        let Self { name, kind, values, ttl, set_id, weight } = self.clone();
        Some(Record { name: name.host_name()?, kind, values, ttl, set_id, weight })
    }
}

fn one(spec: &WantedSpec, path: &FieldPath) -> Result<Wanted, SpecError> {
    let answer = match (&spec.members, &spec.alias) {
        (Some(members), None) => {
            check_members(members, &path.field("members"))?;
            let members = members.iter().map(member).collect();
            if spec.weighted { Answer::Weighted(members) } else { Answer::Members(members) }
        }
        (None, Some(to)) => {
            let Some(owner) = spec.owner.clone() else {
                let advice = "say who wants it";
                return Err(path.field("alias").wrong(Problem::Useless {
                    given: "an alias",
                    needs: "owner",
                    advice,
                }));
            };
            Answer::Alias { owner, to: to.clone() }
        }
        (members, _) => {
            let given = if members.is_some() { vec!["members", "alias"] } else { Vec::new() };
            return Err(path.wrong(Problem::OneOf { given, of: &["members", "alias"] }));
        }
    };
    let ttl = whole_seconds(spec.ttl.unwrap_or(TTL), &path.field("ttl"))?;
    check_labels(&spec.labels, &path.field("labels"))?;
    Ok(Wanted { name: spec.name.clone(), ttl, labels: spec.labels.clone(), answer })
}

/// No two members of one list have one owner: one of them is a typing error. Their addresses are of hosts.
fn check_members(members: &[MemberSpec], path: &FieldPath) -> Result<(), SpecError> {
    let mut seen = BTreeMap::new();
    for (position, member) in members.iter().enumerate() {
        if let Some(first) = seen.insert(&member.owner, position) {
            let name = member.owner.to_string();
            return Err(path.item(position).field("owner").wrong(Problem::Duplicate { name, first }));
        }
        check_hosts(&member.addresses, &path.item(position).field("addresses"))?;
    }
    Ok(())
}

fn member(spec: &MemberSpec) -> Member {
    Member {
        owner: spec.owner.clone(),
        addresses: spec.addresses.clone(),
        weight: spec.weight.unwrap_or(1),
        health: spec.health,
        is_drained: spec.drained,
    }
}
