//! Attributes as values: one codec for all, driven by the table in [`schema`](super::schema).
//!
//! The one idea: a [`Field`] says number, name, type and byte order of an
//! attribute once. Encoding, decoding, lengths, errors and the names in the
//! kernel's refusals all come from there, and `T` makes sure that nobody puts
//! an address where a port belongs. What the table does not know is kept as it
//! is and emitted again, so that a newer kernel's attributes pass through.
//!
//! Source: `include/uapi/linux/netlink.h` for the layout of an attribute:
//!
//! ```text
//! +-------------------------------+-+-+---------------------------+
//! | length, this header included  |N|O|          number           |
//! +-------------------------------+-+-+---------------------------+
//! |                value, padded to a multiple of 4               |
//! +---------------------------------------------------------------+
//! ```

use std::marker::PhantomData;

use netlink_packet_core::{Emitable, NLA_F_NESTED, NLA_HEADER_SIZE, NLA_TYPE_MASK};

use super::error::DecodeError;

/// The longest text that is sent; every one in the table is refused by the kernel when far shorter.
const MAX_TEXT: usize = 1_000;

/// Type and byte order of an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One byte.
    U8,
    /// Two bytes in the machine's order.
    U16,
    /// Two bytes in the network's order.
    U16Network,
    /// Four bytes in the machine's order.
    U32,
    /// Eight bytes in the machine's order.
    U64,
    /// Four bytes whose order is their own: an IPv4 address, a mask.
    Bytes4,
    /// An address of up to 16 bytes, filled up with zeros.
    Address,
    /// Two words in the machine's order: flags, and which of them are meant.
    Flags,
    /// Text up to a NUL.
    Text,
    /// Attributes of another group.
    Nested(&'static Group),
    /// Nothing: it moves the next attribute to a multiple of eight.
    Padding,
}

/// The attributes that may stand side by side.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// What they describe.
    pub name: &'static str,
    /// Each of them; the first has number 1, and so on.
    pub specs: &'static [&'static Spec],
}

/// What is known of an attribute: a row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its number in its group.
    pub number: u16,
    /// The kernel's name for it.
    pub name: &'static str,
    /// Type and byte order.
    pub kind: Kind,
}

/// A row of the table, with the Rust type of its value.
#[derive(Debug)]
pub struct Field<T> {
    /// The row.
    pub spec: Spec,
    value: PhantomData<fn() -> T>,
}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One byte.
    U8(u8),
    /// Two bytes, whatever their order was.
    U16(u16),
    /// Four bytes.
    U32(u32),
    /// Eight bytes.
    U64(u64),
    /// Four bytes as they lie.
    Bytes4([u8; 4]),
    /// An address: an IPv4 address is the first four bytes.
    Address([u8; 16]),
    /// Flags and mask.
    Flags {
        /// The bits.
        bits: u32,
        /// Which of them are meant.
        mask: u32,
    },
    /// Text without its NUL.
    Text(String),
    /// Attributes of the nested group.
    Nested(Vec<Attribute>),
    /// Nothing.
    Padding,
}

/// One attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// One that the table has.
    Known {
        /// Its row.
        spec: &'static Spec,
        /// Its value, of the row's type.
        value: Value,
    },
    /// One that the table does not have: kept, and emitted as it came.
    Unknown {
        /// Its number with the two flag bits.
        number: u16,
        /// Its value.
        bytes: Vec<u8>,
    },
}

mod typed;

/// A Rust type that an attribute's value can have.
pub trait Typed: Sized {
    /// The value of it.
    fn into_value(self) -> Value;
    /// It from a value of its kind.
    fn from_value(value: &Value) -> Option<Self>;
}

impl<T> Field<T> {
    /// A row of the table; `typed` has a constructor for each type, so that `kind` is always `T`'s.
    const fn new(number: u16, name: &'static str, kind: Kind) -> Self {
        Self { spec: Spec { number, name, kind }, value: PhantomData }
    }
}

impl<T: Typed> Field<T> {
    /// An attribute of this row.
    pub fn with(&'static self, value: T) -> Attribute {
        Attribute::Known { spec: &self.spec, value: value.into_value() }
    }

    /// The value of this row among attributes; of several the last, as the kernel has it.
    #[must_use]
    pub fn find(&'static self, attributes: &[Attribute]) -> Option<T> {
        attributes.iter().rev().find_map(|attribute| match attribute {
            Attribute::Known { spec, value } if std::ptr::eq(*spec, &self.spec) => T::from_value(value),
            Attribute::Known { .. } | Attribute::Unknown { .. } => None,
        })
    }

    /// The value of this row, which must be there.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Missing`] with the row's name.
    pub fn require(&'static self, attributes: &[Attribute]) -> Result<T, DecodeError> {
        self.find(attributes).ok_or(DecodeError::Missing { attribute: self.spec.name })
    }
}

impl Field<Vec<Attribute>> {
    /// The attributes nested in this row, which must be there.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Missing`] with the row's name.
    pub fn inside<'a>(&'static self, attributes: &'a [Attribute]) -> Result<&'a [Attribute], DecodeError> {
        let nested = attributes.iter().rev().find_map(|attribute| match attribute {
            Attribute::Known { spec, value: Value::Nested(nested) } if std::ptr::eq(*spec, &self.spec) => {
                Some(nested.as_slice())
            }
            Attribute::Known { .. } | Attribute::Unknown { .. } => None,
        });
        nested.ok_or(DecodeError::Missing { attribute: self.spec.name })
    }
}

impl Group {
    /// The row with this number.
    #[must_use]
    pub fn spec(&self, number: u16) -> Option<&'static Spec> {
        let index = usize::from(number).checked_sub(1)?;
        self.specs.get(index).copied()
    }

    /// Reads attributes of this group.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], naming the attribute, or the group if there is none whole.
    pub fn decode(&'static self, bytes: &[u8]) -> Result<Vec<Attribute>, DecodeError> {
        let mut attributes = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (number, value, length) =
                split(rest).ok_or(DecodeError::CutShort { group: self.name, available: rest.len() })?;
            attributes.push(match self.spec(number & NLA_TYPE_MASK) {
                Some(spec) => Attribute::Known { spec, value: spec.decode(value)? },
                None => Attribute::Unknown { number, bytes: value.to_vec() },
            });
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(attributes)
    }
}

/// The first attribute of `bytes`: its number with flags, its value, its length with the header.
pub(super) fn split(bytes: &[u8]) -> Option<(u16, &[u8], usize)> {
    let [l0, l1, n0, n1] = *bytes.first_chunk::<NLA_HEADER_SIZE>()?;
    let length = usize::from(u16::from_ne_bytes([l0, l1]));
    let value = bytes.get(NLA_HEADER_SIZE..length)?;
    Some((u16::from_ne_bytes([n0, n1]), value, length))
}

impl Spec {
    fn decode(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        Ok(match self.kind {
            Kind::U8 => Value::U8(u8::from_ne_bytes(self.exactly(bytes)?)),
            Kind::U16 => Value::U16(u16::from_ne_bytes(self.exactly(bytes)?)),
            Kind::U16Network => Value::U16(u16::from_be_bytes(self.exactly(bytes)?)),
            Kind::U32 => Value::U32(u32::from_ne_bytes(self.exactly(bytes)?)),
            Kind::U64 => Value::U64(u64::from_ne_bytes(self.exactly(bytes)?)),
            Kind::Bytes4 => Value::Bytes4(self.exactly(bytes)?),
            Kind::Address => Value::Address(self.address(bytes)?),
            Kind::Flags => {
                let [b0, b1, b2, b3, m0, m1, m2, m3] = self.exactly(bytes)?;
                let (bits, mask) =
                    (u32::from_ne_bytes([b0, b1, b2, b3]), u32::from_ne_bytes([m0, m1, m2, m3]));
                Value::Flags { bits, mask }
            }
            Kind::Text => Value::Text(self.text(bytes)?),
            Kind::Nested(group) => Value::Nested(group.decode(bytes)?),
            Kind::Padding => {
                self.exactly::<0>(bytes)?;
                Value::Padding
            }
        })
    }

    fn exactly<const N: usize>(&self, bytes: &[u8]) -> Result<[u8; N], DecodeError> {
        bytes.try_into().map_err(|_| self.wrong_length(bytes, N))
    }

    fn address(&self, bytes: &[u8]) -> Result<[u8; 16], DecodeError> {
        let mut address = [0; 16];
        address.get_mut(..bytes.len()).ok_or_else(|| self.wrong_length(bytes, 16))?.copy_from_slice(bytes);
        Ok(address)
    }

    fn text(&self, bytes: &[u8]) -> Result<String, DecodeError> {
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = str::from_utf8(bytes).map_err(|_| DecodeError::Text { attribute: self.name })?;
        if text.len() > MAX_TEXT { Err(self.wrong_length(bytes, MAX_TEXT)) } else { Ok(text.to_owned()) }
    }

    const fn wrong_length(&self, bytes: &[u8], expected: usize) -> DecodeError {
        DecodeError::Length { attribute: self.name, length: bytes.len(), expected }
    }

    /// Writes `value` in this row's byte order; `buffer` has its length.
    fn encode(&self, value: &Value, buffer: &mut [u8]) {
        match value {
            Value::U8(number) => buffer.copy_from_slice(&[*number]),
            Value::U16(number) if self.kind == Kind::U16Network => {
                buffer.copy_from_slice(&number.to_be_bytes())
            }
            Value::U16(number) => buffer.copy_from_slice(&number.to_ne_bytes()),
            Value::U32(number) => buffer.copy_from_slice(&number.to_ne_bytes()),
            Value::U64(number) => buffer.copy_from_slice(&number.to_ne_bytes()),
            Value::Bytes4(bytes) => buffer.copy_from_slice(bytes),
            Value::Address(bytes) => buffer.copy_from_slice(bytes),
            Value::Flags { bits, mask } => {
                buffer[..4].copy_from_slice(&bits.to_ne_bytes());
                buffer[4..].copy_from_slice(&mask.to_ne_bytes());
            }
            Value::Text(text) => {
                let (end, text) = (buffer.len() - 1, sendable(text));
                buffer[..end].copy_from_slice(text);
                buffer[end] = 0;
            }
            Value::Nested(attributes) => emit(attributes, buffer),
            Value::Padding => {}
        }
    }
}

impl Attribute {
    /// Whether the table does not have it.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Number and flag bits as they are sent.
    const fn number(&self) -> u16 {
        match self {
            // Kernels do not insist on the flag, `ipvsadm` sets it, and readers are helped by it.
            Self::Known { spec: Spec { number, kind: Kind::Nested(_), .. }, .. } => *number | NLA_F_NESTED,
            Self::Known { spec, .. } => spec.number,
            Self::Unknown { number, .. } => *number,
        }
    }

    /// Length of the value, without padding.
    fn value_len(&self) -> usize {
        match self {
            Self::Known { value, .. } => value.len(),
            Self::Unknown { bytes, .. } => bytes.len(),
        }
    }
}

impl Value {
    fn len(&self) -> usize {
        match self {
            Self::U8(_) => 1,
            Self::U16(_) => 2,
            Self::U32(_) | Self::Bytes4(_) => 4,
            Self::U64(_) | Self::Flags { .. } => 8,
            Self::Address(_) => 16,
            Self::Text(text) => sendable(text).len() + 1,
            Self::Nested(attributes) => length(attributes),
            Self::Padding => 0,
        }
    }
}

/// What of a text is sent: a NUL ends it for the kernel, so it does here.
fn sendable(text: &str) -> &[u8] {
    let text = text.split('\0').next().unwrap_or_default().as_bytes();
    &text[..text.len().min(MAX_TEXT)]
}

/// By hand, because the `Nla` of netlink-packet-core 0.9 loses one of the two flag bits where both are set.
impl Emitable for Attribute {
    fn buffer_len(&self) -> usize {
        NLA_HEADER_SIZE + self.value_len().next_multiple_of(4)
    }

    /// # Panics
    ///
    /// If the value has more bytes than an attribute can say; none that was read or made of typed values has.
    fn emit(&self, buffer: &mut [u8]) {
        let end = NLA_HEADER_SIZE + self.value_len();
        let length = u16::try_from(end).expect("an attribute has at most 65,535 bytes");
        buffer[..2].copy_from_slice(&length.to_ne_bytes());
        buffer[2..NLA_HEADER_SIZE].copy_from_slice(&self.number().to_ne_bytes());
        match self {
            Self::Known { spec, value } => spec.encode(value, &mut buffer[NLA_HEADER_SIZE..end]),
            Self::Unknown { bytes, .. } => buffer[NLA_HEADER_SIZE..end].copy_from_slice(bytes),
        }
        buffer[end..].fill(0);
    }
}

/// How many bytes attributes take.
pub(super) fn length(attributes: &[Attribute]) -> usize {
    attributes.iter().map(Emitable::buffer_len).sum()
}

/// Writes attributes one after another; `buffer` has their length.
pub(super) fn emit(attributes: &[Attribute], buffer: &mut [u8]) {
    let mut rest = buffer;
    for attribute in attributes {
        let (own, others) = rest.split_at_mut(attribute.buffer_len());
        attribute.emit(own);
        rest = others;
    }
}

#[cfg(test)]
mod tests;
