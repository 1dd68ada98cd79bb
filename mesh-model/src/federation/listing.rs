//! Reading all objects of several kinds, page by page, so that nobody takes a part for the whole.
//!
//! The idea: what is missing from a list is deleted or made anew by whoever believes it, so a list is given
//! only once every kind was read to its end, all pages of a kind from one moment. A server that has forgotten the moment
//! (410 Gone) is asked again from the beginning. A kind that a target does not have has no objects there.
//!
//! Items of lists do not say of which kind they are, where the kind is one of Kubernetes' own: that is added.
//! Requests and their deadlines are the adapter's. Source: Kubernetes' API concepts, "Retrieving large
//! results sets in chunks".

use std::collections::BTreeMap;

use serde_json::Value;

use crate::template::TemplateKind;

/// How often one kind is begun anew: a list that takes longer than servers remember is not had by patience.
const RESTARTS: u32 = 3;

/// The objects of several kinds on their way.
///
/// Drain [`poll_transmit`](Self::poll_transmit) and tell what came of each page, until [`result`](Self::result) says
/// how it ended.
///
/// ```
/// use mesh_model::federation::{Listed, Listing, Page};
/// use serde_json::json;
///
/// let mut listing = Listing::new([("v1", "Service")]);
/// let page = listing.poll_transmit().unwrap();
/// listing.handle_page(&page, &json!({ "metadata": { "resourceVersion": "7", "continue": "next" },
///     "items": [{ "metadata": { "name": "a" } }] }));
/// assert_eq!(listing.result(), Listed::Reading, "a page is not a list");
/// let page = listing.poll_transmit().unwrap();
/// assert_eq!(page.continue_at.as_deref(), Some("next"));
/// listing.handle_page(&page, &json!({ "metadata": { "resourceVersion": "7" }, "items": [] }));
/// let Listed::Complete(objects) = listing.result() else { panic!("all was read") };
/// assert_eq!(objects[0]["kind"], "Service");
/// ```
#[derive(Clone, Debug)]
pub struct Listing {
    kinds: BTreeMap<(String, String), Pages>,
    has_failed: bool,
}

/// The pages of one kind.
#[derive(Clone, Debug, Default)]
struct Pages {
    state: PagesState,
    objects: Vec<Value>,
    /// The moment that they are of.
    version: Option<String>,
    restarts: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum PagesState {
    /// The next page is asked for, and did not come yet.
    Asked,
    /// All were read.
    Complete,
    /// The next page is to be asked for; the first if there is no token.
    #[default]
    First,
    Next(String),
}

/// A page to be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Page {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Where the last page ended; `None` for the first.
    pub continue_at: Option<String>,
}

/// How far a listing is.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// All objects of all kinds.
    Complete(Vec<Value>),
    /// It ends here, and nobody knows what there is.
    Failed,
    /// There are pages to be read.
    Reading,
}

impl Listing {
    /// Of these kinds, each by group and version and by name.
    #[must_use]
    pub fn new<'a>(kinds: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let of =
            |(api_version, kind): (&str, &str)| ((api_version.to_owned(), kind.to_owned()), Pages::default());
        Self { kinds: kinds.into_iter().map(of).collect(), has_failed: false }
    }

    /// Of all kinds that can be templates, in their newest versions.
    #[must_use]
    pub fn of_templates() -> Self {
        Self::new(TemplateKind::ALL.iter().map(|kind| (kind.api_versions()[0], kind.as_str())))
    }

    /// A page came.
    pub fn handle_page(&mut self, page: &Page, list: &Value) {
        let Some(pages) = self.asked(page) else { return };
        let text =
            |pointer: &str| list.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let version = text("/metadata/resourceVersion").map(str::to_owned);
        let Some(items) = list.get("items").filter(|items| items.is_array() || items.is_null()) else {
            self.has_failed = true; // no list at all
            return;
        };
        if page.continue_at.is_some() && pages.version != version {
            return self.handle_gone(page); // the rest of another moment
        }
        pages.version = version;
        for item in items.as_array().into_iter().flatten() {
            let mut object = item.clone();
            if let Some(fields) = object.as_object_mut() {
                for (field, value) in [("apiVersion", &page.api_version), ("kind", &page.kind)] {
                    fields.entry(field).or_insert_with(|| Value::String(value.clone()));
                }
            }
            pages.objects.push(object);
        }
        let next = text("/metadata/continue").map(str::to_owned);
        pages.enter(next.map_or(PagesState::Complete, PagesState::Next));
    }

    /// The server no longer knows the moment that the pages are of (410): the kind is begun anew.
    pub fn handle_gone(&mut self, page: &Page) {
        let Some(pages) = self.asked(page) else { return };
        pages.objects.clear();
        pages.restarts += 1;
        pages.enter(PagesState::First);
        self.has_failed |= pages.restarts > RESTARTS;
    }

    /// The target has no such kind (404 of the whole list), so there are none of it.
    pub fn handle_no_kind(&mut self, page: &Page) {
        if let Some(pages) = self.asked(page) {
            pages.objects.clear();
            pages.enter(PagesState::Complete);
        }
    }

    /// A page did not come, for whatever reason beside.
    pub const fn handle_failure(&mut self) {
        self.has_failed = true;
    }

    /// The next page to be read; of each kind one at a time.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Page> {
        if self.has_failed {
            return None;
        }
        self.kinds.iter_mut().find_map(|((api_version, kind), pages)| {
            let continue_at = match &pages.state {
                PagesState::Asked | PagesState::Complete => return None,
                PagesState::First => None,
                PagesState::Next(token) => Some(token.clone()),
            };
            pages.enter(PagesState::Asked);
            Some(Page { api_version: api_version.clone(), kind: kind.clone(), continue_at })
        })
    }

    /// How far it is.
    #[must_use]
    pub fn result(&self) -> Listed {
        if self.has_failed {
            return Listed::Failed;
        }
        if self.kinds.values().any(|pages| pages.state != PagesState::Complete) {
            return Listed::Reading;
        }
        Listed::Complete(self.kinds.values().flat_map(|pages| pages.objects.iter().cloned()).collect())
    }

    /// The pages of a kind of which one is asked for.
    fn asked(&mut self, page: &Page) -> Option<&mut Pages> {
        let pages = self.kinds.get_mut(&(page.api_version.clone(), page.kind.clone()));
        pages.filter(|pages| pages.state == PagesState::Asked)
    }
}

impl Pages {
    /// The one place where the state changes.
    fn enter(&mut self, state: PagesState) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests;
