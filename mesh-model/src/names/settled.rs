//! Names at which all is as it should be, told apart from the rest without making anything.
//!
//! Of many names nearly all are so, and what is planned for them is nothing:
//! finding that out must cost less than planning does. Whatever is not as plain
//! as can be, or not surely right, is left to the plan of its name
//! ([`one`](super::one)), which would find the same.

use std::net::IpAddr;

use super::record::is_form_of;
use super::{Answer, Health, Member, Record, RecordKind, Wanted, mark, whose};
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
    let look = |record: &Record| {
        let marked = (record.kind == RecordKind::Txt).then(|| mark::parts(&record.name)).flatten();
        let (star, name) =
            marked.as_ref().map_or(("", record.name.as_str()), |(star, name, _)| (*star, *name));
        let is_last = |place: &usize| is_named(&wanted[*place], star, name);
        last = last.filter(is_last).or_else(|| index.find(wanted, star, name));
        let place = last?;
        let sight = &mut sights[place];
        sight.is_plain =
            sight.is_plain && sight.holds(&wanted[place], record, marked.map(|(.., kind)| kind), provider);
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
        wanted: &Wanted,
        record: &Record,
        marked: Option<RecordKind>,
        provider: &NameProvider,
    ) -> bool {
        let Answer::Members(members) = &wanted.answer else { return false };
        let bit = match marked.as_ref().unwrap_or(&record.kind) {
            RecordKind::A => V4,
            RecordKind::Aaaa => V6,
            RecordKind::Cname => return false,
            RecordKind::Other(_) | RecordKind::Txt => return true,
        };
        let found = if marked.is_some() { bit << MARKED } else { bit };
        if self.found & found != 0 {
            return false;
        }
        self.found |= found;
        if marked.is_some() {
            self.marks = self.marks.saturating_add(record.values.len());
            return are_marks(record, members, bit, provider);
        }
        let ttl = HumanDuration::from_secs(wanted.ttl.as_secs());
        record.ttl == ttl
            && record.set_id.is_none()
            && record.weight.is_none()
            && are_values(record, members, bit)
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

/// The address of each member in a family, with the member's bit.
fn addresses(members: &[Member], bit: u8) -> impl Iterator<Item = (u8, &Member, &IpAddr)> {
    members.iter().enumerate().filter_map(move |(place, member)| {
        let address = member.addresses.iter().find(|address| family(address) == bit)?;
        Some((1 << place, member, address))
    })
}

/// Whether the values of a record are the members' addresses, each once, in whatever form.
fn are_values(record: &Record, members: &[Member], bit: u8) -> bool {
    let all = addresses(members, bit).fold(0, |all, (member, ..)| all | member);
    let mut seen = 0_u8;
    let is_one = |value: &String| {
        let whose = |is: &dyn Fn(&IpAddr) -> bool| {
            let same = addresses(members, bit).filter(|(.., address)| is(address));
            same.fold(0, |all, (member, ..)| all | member) & !seen
        };
        let read = || value.parse().map_or(0, |value: IpAddr| whose(&|address| *address == value));
        // reading takes long for IPv6 alone, which a provider may have in another form than ours
        let is_form = |address: &IpAddr| matches!(address, IpAddr::V6(six) if is_form_of(six, value));
        let new = match bit {
            V4 => read(),
            _ => Some(whose(&is_form)).filter(|new| *new != 0).unwrap_or_else(read),
        };
        seen |= new;
        new != 0
    };
    record.values.iter().all(is_one) && seen == all
}

/// Whether the values of a mark's record are the members' marks.
fn are_marks(record: &Record, members: &[Member], bit: u8, provider: &NameProvider) -> bool {
    let all = addresses(members, bit).fold(0, |all, (member, ..)| all | member);
    let mut seen = 0_u8;
    let is_one = |value: &String| {
        let mut left = addresses(members, bit).filter(|(member, ..)| seen & member == 0);
        let whose =
            left.find(|(_, member, address)| mark::says(value, &provider.owner, &member.owner, address));
        let whose = whose.map_or(0, |(member, ..)| member);
        seen |= whose;
        whose != 0
    };
    record.values.iter().all(is_one) && seen == all
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
            let name = one.name.as_str();
            if let Some(other) = index.find(wanted, "", name) {
                (sights[place].is_plain, sights[other].is_plain) = (false, false);
                continue;
            }
            let free = index.probes("", name).find(|slot| index.slots[*slot] == 0);
            match (free, u32::try_from(place + 1)) {
                (Some(slot), Ok(place)) => index.slots[slot] = place,
                (None, _) | (_, Err(_)) => sights[place].is_plain = false,
            }
        }
        index
    }

    fn find(&self, wanted: &[Wanted], star: &str, name: &str) -> Option<usize> {
        for slot in self.probes(star, name) {
            let place = usize::try_from(self.slots[slot].checked_sub(1)?).expect("a place in a list");
            if is_named(&wanted[place], star, name) {
                return Some(place);
            }
        }
        None
    }

    fn probes(&self, star: &str, name: &str) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        // FNV-1a; its low bits mix best
        let bytes = star.bytes().chain(name.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let first = usize::try_from((hash ^ hash >> 32) & 0xffff_ffff).expect("32 bits");
        (0..PROBES).map(move |step| (first + step) & mask)
    }
}
