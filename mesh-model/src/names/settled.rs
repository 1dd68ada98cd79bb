//! Names at which all is as it should be, told apart from the rest without making anything.
//!
//! Of many names nearly all are so, and what is planned for them is nothing:
//! finding that out must cost less than planning does. Whatever is not as plain
//! as can be, or not surely right, is left to the plan of its name
//! ([`one`](super::one)), which would find the same.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher as _};
use std::net::IpAddr;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::form::Form;
use super::mark::{self, Named};
use super::wildcard::upwards;
use super::{Answer, Health, Member, Record, RecordKind, Wanted, whose};
use crate::provision::NameProvider;
use crate::units::HumanDuration;
use crate::vip::ClaimKey;

/// What of all names is to be left as it is.
pub(super) struct Settled {
    /// Of what is wanted, in its order.
    pub(super) wanted: Vec<bool>,
    /// Of the records, in their order.
    pub(super) records: Vec<bool>,
    /// How many marks of ours are among them.
    pub(super) marks: usize,
}

/// Finds what is to be left as it is.
pub(super) fn settled(wanted: &[Wanted], current: &[Record], provider: &NameProvider) -> Settled {
    let mut sights = vec![Sight::Unseen; wanted.len()];
    let index = Index::new(wanted, &mut sights);
    let stars = stars(wanted, current);
    if !stars.is_empty() {
        for (wanted, sight) in wanted.iter().zip(&mut sights) {
            if upwards(wanted.name.as_str()).any(|parent| stars.contains(parent)) {
                *sight = Sight::Odd; // whether a star answers for another name depends on those beside it
            }
        }
    }
    let mut expected = Expected::new(mark::before_owner(&provider.owner));
    // a provider has the records of a name one after the other, or nearly
    let mut last: Option<(Named<'_>, Option<usize>)> = None;
    let mut places = Vec::with_capacity(current.len());
    for record in current {
        let marked = (record.kind == RecordKind::Txt).then(|| mark::subject(&record.name)).flatten();
        let (name, marked) =
            marked.map_or_else(|| (Named::of(&record.name), None), |(name, kind)| (name, Some(kind)));
        if last.is_none_or(|(known, _)| known != name) {
            let place = index.find(name);
            if let Some(place) = place {
                sights[place].begin(&wanted[place], provider);
                expected.turn_to(&wanted[place], &sights[place]);
            }
            last = Some((name, place));
        }
        let place = last.and_then(|(_, place)| place);
        if let Some(place) = place {
            sights[place].enter(record, marked, &expected);
        }
        places.push(place);
    }
    Settled {
        wanted: sights.iter().map(Sight::is_settled).collect(),
        records: places
            .into_iter()
            .map(|place| place.is_some_and(|place| sights[place].is_settled()))
            .collect(),
        marks: sights.iter().map(Sight::marks).sum(),
    }
}

/// The names below which a star is an alias, or is to be one.
fn stars<'a>(wanted: &'a [Wanted], current: &'a [Record]) -> BTreeSet<&'a str> {
    let is_alias = |wanted: &&Wanted| matches!(wanted.answer, Answer::Alias { .. });
    let planned = wanted.iter().filter(is_alias).map(|wanted| &wanted.name);
    let there = current.iter().filter(|record| record.kind == RecordKind::Cname).map(|record| &record.name);
    planned.chain(there).filter_map(|name| name.as_str().strip_prefix("*.")).collect()
}

/// More members than this are not told apart by bits.
const MEMBERS: usize = 8;

/// What was seen so far of a name that is wanted.
#[derive(Clone, Copy)]
enum Sight {
    /// Nothing.
    Unseen,
    /// Nothing that would have to be planned.
    Plain {
        /// Which records there are to be, a bit for each.
        needed: u8,
        /// Which there are.
        found: u8,
        /// How many marks are among them.
        marks: u8,
    },
    /// Something that has to be planned.
    Odd,
}

impl Sight {
    /// Looks at what is wanted, if that was not looked at yet.
    fn begin(&mut self, wanted: &Wanted, provider: &NameProvider) {
        if !matches!(self, Self::Unseen) {
            return;
        }
        let is_plain = |_: &u8| {
            provider.serves(&wanted.name)
                && mark::has_room(&wanted.name)
                && whose::is_plain(&wanted.name, std::iter::once(wanted), provider)
        };
        *self = match needed(wanted).filter(is_plain) {
            Some(needed) => Self::Plain { needed, found: 0, marks: 0 },
            None => Self::Odd,
        };
    }

    /// Looks at a record, which is as it is to be, or one that nobody minds, or else has to be planned.
    fn enter(&mut self, record: &Record, marked: Option<RecordKind>, expected: &Expected<'_>) {
        let Self::Plain { found, marks, .. } = self else { return };
        let family = match marked.as_ref().unwrap_or(&record.kind) {
            RecordKind::A => Family::V4,
            RecordKind::Aaaa => Family::V6,
            RecordKind::Cname => return *self = Self::Odd,
            RecordKind::Other(_) | RecordKind::Txt => return,
        };
        let bit = if marked.is_some() { family.marked() } else { family.bit() };
        let is_right = if marked.is_some() {
            expected.are_marks(family, record)
        } else {
            expected.are_values(family, record)
        };
        if !is_right || *found & bit != 0 {
            return *self = Self::Odd;
        }
        *found |= bit;
        if marked.is_some() {
            *marks += u8::try_from(record.values.len()).expect("one for each of few members");
        }
    }

    const fn is_settled(&self) -> bool {
        matches!(self, Self::Plain { needed, found, .. } if *needed == *found)
    }

    fn marks(&self) -> usize {
        match self {
            Self::Plain { marks, .. } if self.is_settled() => usize::from(*marks),
            Self::Plain { .. } | Self::Unseen | Self::Odd => 0,
        }
    }
}

/// The two families of addresses, with the bits of their records and of these records' marks.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    const fn marked(self) -> u8 {
        self.bit() << 2
    }
}

/// Which records a name is to have if all of its members are answered with, for good; `None` for other names.
fn needed(wanted: &Wanted) -> Option<u8> {
    let Answer::Members(members) = &wanted.answer else { return None };
    if members.is_empty() || members.len() > MEMBERS {
        return None;
    }
    let mut needed = 0;
    for (place, member) in members.iter().enumerate() {
        let is_again = members[..place].iter().any(|other| other.owner == member.owner);
        if member.health != Health::Healthy || member.is_off() || is_again || member.addresses.is_empty() {
            return None;
        }
        let mut families = 0;
        for family in member.addresses.iter().map(Family::of) {
            if families & family.bit() != 0 {
                return None;
            }
            families |= family.bit();
            needed |= family.bit() | family.marked();
        }
    }
    Some(needed)
}

/// What the records are to hold of the name that was looked at last.
struct Expected<'a> {
    /// What each mark begins with.
    before_owner: String,
    ttl: HumanDuration,
    /// By family; a name is written over the one before it, so that many need no more room than one.
    members: [Vec<Expectation<'a>>; 2],
}

/// What of a record is a member's.
struct Expectation<'a> {
    owner: &'a ClaimKey,
    address: IpAddr,
    form: Form,
}

impl<'a> Expected<'a> {
    const fn new(before_owner: String) -> Self {
        Self { before_owner, ttl: HumanDuration::from_secs(0), members: [Vec::new(), Vec::new()] }
    }

    /// Of this name from now on, if its records are looked at.
    fn turn_to(&mut self, wanted: &'a Wanted, sight: &Sight) {
        let (Sight::Plain { .. }, Answer::Members(members)) = (sight, &wanted.answer) else { return };
        self.ttl = HumanDuration::from_secs(wanted.ttl.as_secs());
        self.members.iter_mut().for_each(Vec::clear);
        for Member { owner, addresses, .. } in members {
            for address in addresses {
                let one = Expectation { owner, address: *address, form: Form::of(address) };
                self.members[Family::of(address) as usize].push(one);
            }
        }
    }

    /// Whether a record's values are the members' addresses, in whatever form.
    fn are_values(&self, family: Family, record: &Record) -> bool {
        // reading takes long, and a provider may have an IPv6 address in another form than ours
        record.ttl == self.ttl
            && record.set_id.is_none()
            && record.weight.is_none()
            && (self.are_all(family, record, |value, one| one.form.is(value))
                || self.are_all(family, record, |value, one| value.parse() == Ok(one.address)))
    }

    /// Whether a record's values are the members' marks.
    fn are_marks(&self, family: Family, record: &Record) -> bool {
        self.are_all(family, record, |value, one| {
            // members differ in their addresses sooner than in their owners
            let before = one.form.before_in(value);
            before.is_some_and(|before| mark::is_before_values(before, &self.before_owner, one.owner))
        })
    }

    /// Whether each value of a record is of members that no other value is of, and all of them are of all.
    fn are_all(
        &self,
        family: Family,
        record: &Record,
        is_of: impl Fn(&str, &Expectation<'_>) -> bool,
    ) -> bool {
        let members = &self.members[family as usize];
        let mut unseen = (1_u16 << members.len()) - 1;
        for value in &record.values {
            let before = unseen;
            for (place, one) in members.iter().enumerate() {
                if unseen >> place & 1 == 1 && is_of(value, one) {
                    unseen ^= 1 << place; // and on: several may have one address
                }
            }
            if unseen == before {
                return false;
            }
        }
        unseen == 0
    }
}

/// What is wanted, by name.
struct Index<'a> {
    wanted: &'a [Wanted],
    places: HashTable<usize>,
}

impl<'a> Index<'a> {
    /// Whatever is wanted twice has to be planned.
    fn new(wanted: &'a [Wanted], sights: &mut [Sight]) -> Self {
        let mut places = HashTable::with_capacity(wanted.len());
        let named = |place: &usize| Named::of(&wanted[*place].name);
        for place in 0..wanted.len() {
            let name = named(&place);
            match places.entry(hash(name), |other| named(other) == name, |other| hash(named(other))) {
                Entry::Vacant(entry) => drop(entry.insert(place)),
                Entry::Occupied(first) => {
                    sights[*first.get()] = Sight::Odd;
                    sights[place] = Sight::Odd;
                }
            }
        }
        Self { wanted, places }
    }

    fn find(&self, name: Named<'_>) -> Option<usize> {
        self.places.find(hash(name), |place| Named::of(&self.wanted[*place].name) == name).copied()
    }
}

fn hash(name: Named<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name.rest.as_bytes());
    hasher.finish()
}
