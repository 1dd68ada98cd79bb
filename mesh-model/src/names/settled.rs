//! Names at which all is as it should be, told apart from the rest without making anything.
//!
//! Of many names nearly all are so, and what is planned for them is nothing:
//! finding that out must cost less than planning does. Whatever is not as plain
//! as can be, or not surely right, is left to the plan of its name
//! ([`one`](super::one)), which would find the same.

use std::net::IpAddr;

use super::form::Form;
use super::{Answer, Health, Member, Record, RecordKind, Wanted, mark, whose};
use crate::name::Name;
use crate::provision::NameProvider;
use crate::units::HumanDuration;

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
    let mut sights: Vec<Sight> = wanted.iter().map(|wanted| Sight::of(wanted, provider)).collect();
    let index = Index::new(wanted, &mut sights);
    // a provider has the records of a name one after the other, or nearly
    let mut last = None;
    let mut expected = [V4, V6].map(|family| Expected::new(family, &provider.owner));
    let look = |record: &Record| {
        let marked = (record.kind == RecordKind::Txt).then(|| mark::parts(&record.name)).flatten();
        let (star, name) =
            marked.as_ref().map_or(("", record.name.as_str()), |(star, name, _)| (*star, *name));
        let is_last = |place: &usize| is_named(&wanted[*place], star, name);
        last = last.filter(is_last).or_else(|| index.find(wanted, star, name));
        let place = last?;
        let sight = &mut sights[place];
        let marked = marked.map(|(.., kind)| kind);
        sight.is_plain = sight.is_plain && sight.holds(place, &wanted[place], record, marked, &mut expected);
        Some(place)
    };
    let places: Vec<Option<usize>> = current.iter().map(look).collect();
    let is_settled = |place: usize| sights[place].is_plain && sights[place].found == sights[place].needed;
    Settled {
        wanted: (0..wanted.len()).map(is_settled).collect(),
        records: places.into_iter().map(|place| place.is_some_and(is_settled)).collect(),
        marks: (0..wanted.len()).filter(|place| is_settled(*place)).map(|place| sights[place].marks).sum(),
    }
}

/// More members than this are not told apart by the bits of a byte.
const MEMBERS: usize = 8;

/// What was seen so far of a name that is wanted.
struct Sight {
    /// Whether nothing is there that would have to be planned.
    is_plain: bool,
    /// Which records there are to be, a bit for each, and which there are.
    needed: u8,
    found: u8,
    marks: usize,
}

impl Sight {
    fn of(wanted: &Wanted, provider: &NameProvider) -> Self {
        let is_plain = |_: &u8| {
            provider.serves(&wanted.name)
                && mark::has_room(&wanted.name)
                && whose::is_plain(&wanted.name, std::iter::once(wanted), provider)
        };
        let needed = needed(wanted).filter(is_plain);
        Self { is_plain: needed.is_some(), needed: needed.unwrap_or(0), found: 0, marks: 0 }
    }

    /// Whether a record is as it is to be, or one that nobody minds.
    fn holds(
        &mut self,
        place: usize,
        wanted: &Wanted,
        record: &Record,
        marked: Option<RecordKind>,
        expected: &mut [Expected<'_>; 2],
    ) -> bool {
        let Answer::Members(members) = &wanted.answer else { return false };
        let [four, six] = expected;
        let expected = match marked.as_ref().unwrap_or(&record.kind) {
            RecordKind::A => four,
            RecordKind::Aaaa => six,
            RecordKind::Cname => return false,
            RecordKind::Other(_) | RecordKind::Txt => return true,
        };
        let found = if marked.is_some() { expected.family << MARKED } else { expected.family };
        if self.found & found != 0 {
            return false;
        }
        self.found |= found;
        expected.turn_to(place, members);
        if marked.is_some() {
            self.marks = self.marks.saturating_add(record.values.len());
            return expected.are_marks(record);
        }
        let ttl = HumanDuration::from_secs(wanted.ttl.as_secs());
        record.ttl == ttl && record.set_id.is_none() && record.weight.is_none() && expected.are_values(record)
    }
}

/// The bits of records by family, and how far those of their marks are from them.
const V4: u8 = 1;
const V6: u8 = 2;
const MARKED: u8 = 2;

const fn family(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => V4,
        IpAddr::V6(_) => V6,
    }
}

/// Which records a name is to have if all of its members are answered with, for good; `None` for other names.
fn needed(wanted: &Wanted) -> Option<u8> {
    let Answer::Members(members) = &wanted.answer else { return None };
    let is_plain = |member: &Member| {
        member.health == Health::Healthy && member.weight > 0 && !member.is_drained && {
            let families = member.addresses.iter().map(family);
            let all = families.clone().fold(0, |all, one| all | one);
            families.map(u32::from).sum::<u32>() == u32::from(all) && all != 0
        }
    };
    let is_again =
        |(place, member): (usize, &Member)| members[..place].iter().any(|other| other.owner == member.owner);
    if members.is_empty()
        || members.len() > MEMBERS
        || !members.iter().all(is_plain)
        || members.iter().enumerate().any(is_again)
    {
        return None;
    }
    let families =
        members.iter().flat_map(|member| &member.addresses).map(family).fold(0, |all, one| all | one);
    Some(families | families << MARKED)
}

/// What the records of one family are to hold, written down for the name that was looked at last.
struct Expected<'a> {
    family: u8,
    fleet: &'a Name,
    /// The place of the name in what is wanted.
    place: Option<usize>,
    members: Vec<Expectation>,
}

/// What of a record is a member's.
struct Expectation {
    address: IpAddr,
    form: Form,
    /// What its mark says before the address.
    mark: String,
}

impl<'a> Expected<'a> {
    const fn new(family: u8, fleet: &'a Name) -> Self {
        Self { family, fleet, place: None, members: Vec::new() }
    }

    /// Of this name from now on.
    fn turn_to(&mut self, place: usize, members: &[Member]) {
        if self.place.replace(place) == Some(place) {
            return;
        }
        // texts are written over, so that many names need no more room than one
        let mut before = std::mem::take(&mut self.members).into_iter();
        self.members.extend(members.iter().filter_map(|member| {
            let address = *member.addresses.iter().find(|address| family(address) == self.family)?;
            let mut mark = before.next().map(|one| one.mark).unwrap_or_default();
            mark.clear();
            mark::put_before_values(&mut mark, self.fleet, &member.owner);
            Some(Expectation { address, form: Form::of(&address), mark })
        }));
    }

    /// Whether the values of a record are the members' addresses, in whatever form.
    fn are_values(&self, record: &Record) -> bool {
        // reading takes long, and a provider may have an IPv6 address in another form than ours
        self.are_all(record, |value, one| one.form.is(value))
            || self.are_all(record, |value, one| value.parse() == Ok(one.address))
    }

    /// Whether the values of a mark's record are the members' marks.
    fn are_marks(&self, record: &Record) -> bool {
        let is_mark = |value: &str, one: &Expectation| {
            value.strip_prefix(one.mark.as_str()).is_some_and(|address| one.form.is(address))
        };
        self.are_all(record, is_mark)
    }

    /// Whether each value of a record is of members that no other value is of, and all of them are of all.
    fn are_all(&self, record: &Record, is_of: impl Fn(&str, &Expectation) -> bool) -> bool {
        let mut seen = 0_u8;
        let is_one = |value: &String| {
            let unseen = self.members.iter().enumerate().filter(|(at, _)| seen >> at & 1 == 0);
            let new = unseen.filter(|(_, one)| is_of(value, one)).fold(0, |all, (at, _)| all | 1 << at);
            seen |= new;
            new != 0
        };
        record.values.iter().all(is_one) && usize::try_from(seen.count_ones()) == Ok(self.members.len())
    }
}

/// What is wanted, by name: a table of open addresses, only for looking up.
struct Index {
    /// Places in the list, plus one; 0 where nothing is.
    slots: Vec<u32>,
}

/// Whether something is wanted of a name in two parts.
fn is_named(wanted: &Wanted, star: &str, name: &str) -> bool {
    wanted.name.as_str().strip_prefix(star) == Some(name)
}

/// How far from its slot a name may lie. Names that somebody chose to collide are left to be planned.
const PROBES: usize = 16;

impl Index {
    /// Whatever is wanted twice, or finds no slot, is not plain.
    fn new(wanted: &[Wanted], sights: &mut [Sight]) -> Self {
        let mut index = Self { slots: vec![0; (wanted.len() * 2).next_power_of_two().max(PROBES)] };
        for (place, one) in wanted.iter().enumerate() {
            sights[place].is_plain &= match index.enter(wanted, place, one.name.as_str()) {
                Entered::New => true,
                Entered::Nowhere => false,
                Entered::Again { first } => {
                    sights[first].is_plain = false;
                    false
                }
            };
        }
        index
    }

    fn enter(&mut self, wanted: &[Wanted], place: usize, name: &str) -> Entered {
        for slot in self.probes("", name) {
            match self.at(slot) {
                Some(first) if is_named(&wanted[first], "", name) => return Entered::Again { first },
                Some(_) => {}
                None => match u32::try_from(place + 1) {
                    Ok(place) => {
                        self.slots[slot] = place;
                        return Entered::New;
                    }
                    Err(_) => return Entered::Nowhere,
                },
            }
        }
        Entered::Nowhere
    }

    fn find(&self, wanted: &[Wanted], star: &str, name: &str) -> Option<usize> {
        let slots = self.probes(star, name).map_while(|slot| self.at(slot));
        slots.into_iter().find(|place| is_named(&wanted[*place], star, name))
    }

    /// The place in the list that a slot has.
    fn at(&self, slot: usize) -> Option<usize> {
        let place = self.slots[slot].checked_sub(1)?;
        Some(usize::try_from(place).expect("a place in a list"))
    }

    fn probes(&self, star: &str, name: &str) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        let (star, name) = name.strip_prefix("*.").map_or((star, name), |name| ("*.", name));
        // eight bytes at a time; whoever makes them collide is planned, as above
        let (words, rest) = name.as_bytes().as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
        let hash = words.fold((star.len() + name.len()) as u64, |hash, word| {
            let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
            (product ^ product >> 64) as u64
        });
        let first = usize::try_from(hash & 0xffff_ffff).expect("32 bits");
        (0..PROBES).map(move |step| (first + step) & mask)
    }
}

/// What became of a name that was to be entered.
enum Entered {
    New,
    /// There is no room near its slot.
    Nowhere,
    /// It is wanted already, at this place.
    Again {
        first: usize,
    },
}
