//! `ipvs_mh`: the Linux scheduler `mh`, slot by slot.
//!
//! A model of `net/netfilter/ipvs/ip_vs_mh.c` (Linux 6.12, 64-bit: on 32-bit
//! kernels `hsiphash` is another function) from its described behaviour, so
//! that the place a kernel sends a flow is known without asking it. It is not
//! how one would want it: weights are divided by their greatest common divisor
//! and shifted to a few bits, each member takes that many slots *in a row* in
//! its turn, so members can starve and a small change of one weight can move
//! half the table; and the order of adding counts. Use
//! [`maglev`](super::maglev) where the choice is yours.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Member, NONE, ipvs};
use crate::hash::HashKey;
use crate::identity::Family;

/// The table sizes that a kernel can be compiled with
/// (`CONFIG_IP_VS_MH_TAB_INDEX` 8 to 17); 4,093 is the default.
pub const SIZES: [u32; 10] = [251, 509, 1_021, 2_039, 4_093, 8_191, 16_381, 32_749, 65_521, 131_071];

/// The keys that the kernel has compiled in, both halves alike.
const OFFSET_KEY: u64 = 2_654_435_761;
const SKIP_KEY: u64 = 2_654_446_892;

/// Where a client's flows fall, `offset` being added by [the fallback's tour](ipvs::choose);
/// `port` is 0 without the flag `mh-port`.
#[must_use]
pub fn slot(size: u32, address: IpAddr, port: u16, offset: u32) -> u32 {
    hash(OFFSET_KEY, ipvs::fold(address), port, offset) % size
}

/// Fills the table from a destination list, head first; `weight` is the last above 0.
pub(super) fn build(size: u32, family: Family, members: &[Member]) -> Box<[u16]> {
    let mut slots = vec![NONE; size as usize].into_boxed_slice();
    let turns = turns(size, members);
    if turns.iter().all(|turns| *turns == 0) {
        return slots;
    }
    let mut walks: Vec<_> = members.iter().map(|member| Walk::new(size, family, member)).collect();
    let mut empty = size;
    loop {
        for (place, (walk, turns)) in walks.iter_mut().zip(&turns).enumerate() {
            for _ in 0..*turns {
                let slot = walk.next_free(size, &slots);
                slots[slot as usize] = u16::try_from(place).expect("at most MAX_MEMBERS members");
                empty -= 1;
                if empty == 0 {
                    return slots;
                }
            }
        }
    }
}

/// How many slots in a row each member takes in its turn.
pub(super) fn turns(size: u32, members: &[Member]) -> Vec<u32> {
    let weights = members.iter().map(|member| u32::from(member.weight.0));
    let divisor = weights.clone().fold(0, greatest_common_divisor);
    if divisor == 0 {
        return vec![0; members.len()];
    }
    let greatest = weights.clone().max().unwrap_or(0) / divisor;
    let bits = u32::BITS - greatest.leading_zeros();
    let shift = bits.saturating_sub(table_bits(size));
    weights.map(|weight| if weight == 0 { 0 } else { ((weight / divisor) >> shift).max(1) }).collect()
}

/// Half the number by which the kernel's configuration names the size.
fn table_bits(size: u32) -> u32 {
    let place = SIZES.iter().position(|known| *known == size).expect("only kernel sizes are built");
    (8 + u32::try_from(place).expect("one of ten")) / 2
}

const fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A member's way through the table.
#[derive(Clone, Copy, Debug)]
struct Walk {
    at: u32,
    skip: u32,
}

impl Walk {
    fn new(size: u32, family: Family, member: &Member) -> Self {
        let (address, port) = (fold(family, member.endpoint.address), member.endpoint.port);
        let skip = hash(SKIP_KEY, address, port, 0) % (size - 1) + 1;
        Self { at: hash(OFFSET_KEY, address, port, 0) % size, skip }
    }

    /// The next slot on the way that nobody holds; one is left.
    fn next_free(&mut self, size: u32, slots: &[u16]) -> u32 {
        while slots[self.at as usize] != NONE {
            self.at = (self.at + self.skip) % size;
        }
        self.at
    }
}

/// A destination's address as a service of `family` reads it: one of IPv4 takes the first word of
/// an IPv6 address for the whole, so that destinations in one /32 differ by their ports alone.
fn fold(family: Family, address: IpAddr) -> u32 {
    match (family, address) {
        (Family::V4, IpAddr::V6(address)) => (address.to_bits() >> 96) as u32,
        (Family::V4, IpAddr::V4(_)) | (Family::V6, _) => ipvs::fold(address),
    }
}

/// The kernel's `hsiphash` of one word: SipHash-1-3, the lower 32 bits of it.
fn hash(key: u64, address: u32, port: u16, offset: u32) -> u32 {
    let word = offset.wrapping_add(u32::from(port)).wrapping_add(address);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.to_le_bytes());
    bytes[8..].copy_from_slice(&key.to_le_bytes());
    HashKey::new(bytes).hash_bytes(&word.to_le_bytes()) as u32
}

#[cfg(test)]
mod tests;
