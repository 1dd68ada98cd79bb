//! Who wrote each field of a rendered object.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::access_point::AccessPoint;
use crate::api::Step;
use crate::name::Name;
use crate::patch::{Document, Origin, Pointer};
use crate::template::TemplateId;

/// One write of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceEntry {
    /// The object.
    #[serde(serialize_with = "as_text")]
    pub object: TemplateId,
    /// The field where it is in the end; one that was removed, where it was.
    #[serde(serialize_with = "as_text")]
    pub path: Pointer,
    /// Who wrote.
    #[serde(serialize_with = "as_text")]
    pub from: Writer,
    /// Whether the field was removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The writer's place in the order of application.
    #[serde(skip)]
    pub origin: Origin,
}

/// Who writes fields of an object, in order of application but for overrides, which are told by their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// The template.
    Template,
    /// The access point: its namespace.
    AccessPoint,
    /// A rule of an override.
    Rule {
        /// The override's name: its place in the list changes when another one comes or goes.
        name: Name,
        /// Which of its rules, from 0.
        number: usize,
    },
    /// The steering of traffic.
    Traffic,
    /// What has servers name the secrets in which their hosts lie.
    Certificates,
    /// Our own mark.
    Owner,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template => f.write_str("template"),
            Self::AccessPoint => f.write_str("access point"),
            Self::Rule { name, number } => write!(f, "override {name} rule {number}"),
            Self::Traffic => f.write_str("traffic"),
            Self::Certificates => f.write_str("certificates"),
            Self::Owner => f.write_str("owner"),
        }
    }
}

/// The writers of one access point's objects, in order of application.
pub(super) struct Origins {
    writers: Vec<Writer>,
    /// The first rule of each override.
    first_rule: Vec<u32>,
}

impl Origins {
    pub(super) const TEMPLATE: Origin = Origin(0);
    pub(super) const ACCESS_POINT: Origin = Origin(1);

    pub(super) fn new(access_point: &AccessPoint) -> Self {
        let mut origins =
            Self { writers: vec![Writer::Template, Writer::AccessPoint], first_rule: Vec::new() };
        for one in &access_point.overrides {
            origins.first_rule.push(origins.next().0);
            let rule = |number| Writer::Rule { name: one.name.clone(), number };
            origins.writers.extend((0..one.rules.len()).map(rule));
        }
        origins.writers.extend([Writer::Traffic, Writer::Certificates, Writer::Owner]);
        origins
    }

    /// The rule of this number in the override at this position.
    pub(super) fn rule(&self, position: usize, number: usize) -> Origin {
        Origin(self.first_rule[position] + u32::try_from(number).expect("a file has less than 2^32 rules"))
    }

    /// The last: our own mark.
    pub(super) fn owner(&self) -> Origin {
        Origin(self.next().0 - 1)
    }

    /// The last but one: which secrets servers name.
    pub(super) fn certificates(&self) -> Origin {
        Origin(self.next().0 - 2)
    }

    /// Before it: the steering of traffic.
    pub(super) fn traffic(&self) -> Origin {
        Origin(self.next().0 - 3)
    }

    pub(super) fn writer(&self, origin: Origin) -> &Writer {
        &self.writers[origin.0 as usize]
    }

    /// The writes of a document in no order but the document's.
    pub(super) fn trace(&self, object: &TemplateId, document: &Document) -> impl Iterator<Item = TraceEntry> {
        document.writes_as_they_lie().into_iter().map(|write| TraceEntry {
            object: object.clone(),
            path: write.path,
            from: self.writer(write.origin).clone(),
            removed: write.is_removal,
            origin: write.origin,
        })
    }

    fn next(&self) -> Origin {
        Origin(u32::try_from(self.writers.len()).expect("a file has less than 2^32 rules"))
    }
}

/// A way through a file's fields as a pointer.
pub(crate) fn pointer_of(steps: &[Step]) -> Pointer {
    steps.iter().fold(Pointer::default(), |pointer, step| match step {
        Step::Field(name) => pointer.then(name),
        Step::Index(index) => pointer.then(&index.to_string()),
    })
}

pub(super) fn as_text<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
