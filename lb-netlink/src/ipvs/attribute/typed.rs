//! Which Rust type a row of the table has, by the constructor that made it.
//!
//! The one idea: a row's constructor fixes both its [`Kind`] and its Rust type,
//! so that a table in which the two disagree does not compile.

use super::{Attribute, Field, Group, Kind, Typed, Value};

impl Field<u8> {
    pub(in crate::ipvs) const fn u8(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::U8)
    }
}

impl Field<u16> {
    pub(in crate::ipvs) const fn u16(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::U16)
    }
    pub(in crate::ipvs) const fn u16_network(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::U16Network)
    }
}

impl Field<u32> {
    pub(in crate::ipvs) const fn u32(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::U32)
    }
}

impl Field<u64> {
    pub(in crate::ipvs) const fn u64(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::U64)
    }
}

impl Field<[u8; 4]> {
    pub(in crate::ipvs) const fn bytes(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::Bytes4)
    }
}

impl Field<[u8; 16]> {
    pub(in crate::ipvs) const fn address(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::Address)
    }
}

impl Field<(u32, u32)> {
    pub(in crate::ipvs) const fn flags(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::Flags)
    }
}

impl Field<String> {
    pub(in crate::ipvs) const fn text(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::Text)
    }
}

impl Field<Vec<Attribute>> {
    pub(in crate::ipvs) const fn nested(number: u16, name: &'static str, group: &'static Group) -> Self {
        Self::new(number, name, Kind::Nested(group))
    }
}

impl Field<()> {
    pub(in crate::ipvs) const fn padding(number: u16, name: &'static str) -> Self {
        Self::new(number, name, Kind::Padding)
    }
}

impl Typed for u8 {
    fn into_value(self) -> Value {
        Value::U8(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::U8(number) = value { Some(*number) } else { None }
    }
}

impl Typed for u16 {
    fn into_value(self) -> Value {
        Value::U16(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::U16(number) = value { Some(*number) } else { None }
    }
}

impl Typed for u32 {
    fn into_value(self) -> Value {
        Value::U32(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::U32(number) = value { Some(*number) } else { None }
    }
}

impl Typed for u64 {
    fn into_value(self) -> Value {
        Value::U64(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::U64(number) = value { Some(*number) } else { None }
    }
}

impl Typed for [u8; 4] {
    fn into_value(self) -> Value {
        Value::Bytes4(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bytes4(bytes) = value { Some(*bytes) } else { None }
    }
}

impl Typed for [u8; 16] {
    fn into_value(self) -> Value {
        Value::Address(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Address(bytes) = value { Some(*bytes) } else { None }
    }
}

impl Typed for (u32, u32) {
    fn into_value(self) -> Value {
        Value::Flags { bits: self.0, mask: self.1 }
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Flags { bits, mask } = value { Some((*bits, *mask)) } else { None }
    }
}

impl Typed for String {
    fn into_value(self) -> Value {
        Value::Text(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl Typed for Vec<Attribute> {
    fn into_value(self) -> Value {
        Value::Nested(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Nested(attributes) = value { Some(attributes.clone()) } else { None }
    }
}
