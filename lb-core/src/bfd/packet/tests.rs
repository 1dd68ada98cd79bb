//! The bytes of real neighbours, the round trip, and each check of RFC 5880 section 6.8.6 in its order.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Sent by BIRD 2.0.12 and by FRR 8.4 (`bfdd`) over a pair of veth devices
/// (`min rx interval 50 ms; min tx interval 60 ms; idle tx interval 300 ms;
/// multiplier 5` and `receive-interval 50`, `transmit-interval 60`,
/// `detect-multiplier 5`), read from a socket at 10.9.0.2:3784.
const GOLDEN: [(&str, [u8; 24], ControlPacket); 4] = [
    (
        "BIRD, its first",
        [
            0x20, 0x40, 0x05, 0x18, 0xad, 0x12, 0x00, 0xf5, 0, 0, 0, 0, 0x00, 0x04, 0x93, 0xe0, 0x00, 0x00,
            0xc3, 0x50, 0, 0, 0, 0,
        ],
        ControlPacket {
            detect_multiplier: 5,
            my_discriminator: 0xad12_00f5,
            your_discriminator: 0,
            desired_min_tx_us: 300_000,
            required_min_rx_us: 50_000,
            ..PLAIN
        },
    ),
    (
        "BIRD, up and asking",
        [
            0x20, 0xe0, 0x05, 0x18, 0xad, 0x12, 0x00, 0xf5, 0x0b, 0xad, 0xca, 0xfe, 0x00, 0x00, 0xea, 0x60,
            0x00, 0x00, 0xc3, 0x50, 0, 0, 0, 0,
        ],
        ControlPacket {
            state: SessionState::Up,
            poll: true,
            detect_multiplier: 5,
            my_discriminator: 0xad12_00f5,
            your_discriminator: 0x0bad_cafe,
            desired_min_tx_us: 60_000,
            required_min_rx_us: 50_000,
            ..PLAIN
        },
    ),
    (
        "BIRD, down because we were",
        [
            0x23, 0x60, 0x05, 0x18, 0xad, 0x12, 0x00, 0xf5, 0x0b, 0xad, 0xca, 0xfe, 0x00, 0x04, 0x93, 0xe0,
            0x00, 0x00, 0xc3, 0x50, 0, 0, 0, 0,
        ],
        ControlPacket {
            diagnostic: Diagnostic::NEIGHBOR_SIGNALED_DOWN,
            poll: true,
            detect_multiplier: 5,
            my_discriminator: 0xad12_00f5,
            your_discriminator: 0x0bad_cafe,
            desired_min_tx_us: 300_000,
            required_min_rx_us: 50_000,
            ..PLAIN
        },
    ),
    (
        "FRR, up, offering echo",
        [
            0x20, 0xc0, 0x05, 0x18, 0x7e, 0x46, 0xa8, 0x78, 0x0b, 0xad, 0xca, 0xfe, 0x00, 0x00, 0xea, 0x60,
            0x00, 0x00, 0xc3, 0x50, 0x00, 0x00, 0xc3, 0x50,
        ],
        ControlPacket {
            state: SessionState::Up,
            detect_multiplier: 5,
            my_discriminator: 0x7e46_a878,
            your_discriminator: 0x0bad_cafe,
            desired_min_tx_us: 60_000,
            required_min_rx_us: 50_000,
            required_min_echo_rx_us: 50_000,
            ..PLAIN
        },
    ),
];

const PLAIN: ControlPacket = ControlPacket {
    diagnostic: Diagnostic::NONE,
    state: SessionState::Down,
    poll: false,
    final_: false,
    control_plane_independent: false,
    demand: false,
    detect_multiplier: 3,
    my_discriminator: 1,
    your_discriminator: 0,
    desired_min_tx_us: 1_000_000,
    required_min_rx_us: 1_000_000,
    required_min_echo_rx_us: 0,
};

#[test]
fn packets_of_bird_and_frr_in_both_directions() {
    for (who, bytes, packet) in GOLDEN {
        assert_eq!(ControlPacket::parse(&bytes), Ok((packet, None)), "{who}");
        assert_eq!(packet.emit(), bytes, "{who}");
    }
}

/// A packet's bytes with one of them changed.
fn with(position: usize, byte: u8) -> Vec<u8> {
    let mut bytes = PLAIN.emit().to_vec();
    bytes[position] = byte;
    bytes
}

/// A packet with an authentication section of these bytes.
fn authenticated(section: &[u8]) -> Vec<u8> {
    let mut bytes = [&PLAIN.emit()[..], section].concat();
    bytes[1] |= flag::AUTHENTICATION;
    bytes[3] = u8::try_from(bytes.len()).unwrap();
    bytes
}

#[test]
fn each_fault_has_its_reason() {
    let mut no_name = PLAIN.emit().to_vec();
    no_name[4..8].fill(0);
    let mut short_section = authenticated(&[1, 3, 7]);
    short_section[3] = 25; // the flag says 26 at least
    let cases = [
        ("nothing", vec![], Discard::Truncated { length: 24, received: 0 }),
        ("no length field", vec![0x20, 0x40, 3], Discard::Truncated { length: 24, received: 3 }),
        ("version 0", with(0, 0x00), Discard::Version { version: 0 }),
        ("version 7", with(0, 0xff), Discard::Version { version: 7 }),
        ("length 23", with(3, 23), Discard::LengthTooSmall { length: 23, least: 24 }),
        ("length 25 with authentication", short_section, Discard::LengthTooSmall { length: 25, least: 26 }),
        ("length 25 of 24", with(3, 25), Discard::Truncated { length: 25, received: 24 }),
        ("cut off", PLAIN.emit()[..20].to_vec(), Discard::Truncated { length: 24, received: 20 }),
        ("multiplier", with(2, 0), Discard::DetectMultiplierZero),
        ("multipoint", with(1, 0x41), Discard::Multipoint),
        ("my discriminator", no_name, Discard::MyDiscriminatorZero),
        (
            "section longer than the packet",
            authenticated(&[1, 9, 7]),
            Discard::AuthenticationLength { length: 9, available: 3 },
        ),
        (
            "section shorter than its header",
            authenticated(&[1, 1, 7]),
            Discard::AuthenticationLength { length: 1, available: 3 },
        ),
    ];
    for (case, bytes, reason) in cases {
        assert_eq!(ControlPacket::parse(&bytes), Err(reason), "{case}");
    }
}

#[test]
fn the_first_fault_in_the_order_of_the_rfc_is_told() {
    // every fault at once, removed one by one
    let mut bytes = vec![0xe0, 0x45, 0, 2, 0, 0, 0, 0];
    let reason = |bytes: &[u8]| ControlPacket::parse(bytes).unwrap_err();
    assert_eq!(reason(&bytes), Discard::Version { version: 7 });
    bytes[0] = 0x20;
    assert_eq!(reason(&bytes), Discard::LengthTooSmall { length: 2, least: 26 });
    bytes[3] = 26;
    assert_eq!(reason(&bytes), Discard::Truncated { length: 26, received: 8 });
    bytes.resize(26, 0);
    assert_eq!(reason(&bytes), Discard::DetectMultiplierZero);
    bytes[2] = 3;
    assert_eq!(reason(&bytes), Discard::Multipoint);
    bytes[1] = 0x44;
    assert_eq!(reason(&bytes), Discard::MyDiscriminatorZero);
    bytes[4] = 1;
    assert_eq!(reason(&bytes), Discard::AuthenticationLength { length: 0, available: 2 });
    bytes[25] = 2;
    let (packet, authentication) = ControlPacket::parse(&bytes).unwrap();
    assert_eq!(packet.my_discriminator, 0x0100_0000);
    assert_eq!(authentication, Some(Authentication { kind: 0, data: &[] }));
}

#[test]
fn what_follows_the_packet_is_ignored_and_authentication_handed_on() {
    let padded = [&PLAIN.emit()[..], &[0xff; 40]].concat();
    assert_eq!(ControlPacket::parse(&padded), Ok((PLAIN, None)));

    let keyed = authenticated(&[1, 6, 7, b'a', b'b', b'c']);
    let section = Authentication { kind: 1, data: &[7, b'a', b'b', b'c'] };
    assert_eq!(ControlPacket::parse(&keyed), Ok((PLAIN, Some(section))));
}

#[test]
fn diagnostics_have_five_bits() {
    assert_eq!(Diagnostic::from_code(32), None);
    assert_eq!(Diagnostic::from_code(31).map(Diagnostic::code), Some(31));
    assert_eq!(Diagnostic::from_code(1), Some(Diagnostic::DETECTION_TIME_EXPIRED));
}

prop_compose! {
    fn packets()(
        (diagnostic, state, flags) in (0_u8..32, 0_u8..4, 0_u8..16),
        detect_multiplier in 1_u8..,
        my_discriminator in 1_u32..,
        (your_discriminator, desired_min_tx_us, required_min_rx_us, required_min_echo_rx_us) in any::<(u32, u32, u32, u32)>(),
    ) -> ControlPacket {
        ControlPacket {
            diagnostic: Diagnostic::from_code(diagnostic).unwrap(),
            state: SessionState::from_bits(state),
            poll: flags & 1 != 0,
            final_: flags & 2 != 0,
            control_plane_independent: flags & 4 != 0,
            demand: flags & 8 != 0,
            detect_multiplier,
            my_discriminator,
            your_discriminator,
            desired_min_tx_us,
            required_min_rx_us,
            required_min_echo_rx_us,
        }
    }
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed(packet in packets()) {
        let bytes = packet.emit();
        prop_assert_eq!(ControlPacket::parse(&bytes), Ok((packet, None)));
    }

    #[test]
    fn what_is_parsed_is_emitted(mut bytes in prop::array::uniform24(any::<u8>())) {
        (bytes[0], bytes[3]) = (bytes[0] & 0x1f | 0x20, 24);
        bytes[1] &= !(flag::AUTHENTICATION | flag::MULTIPOINT);
        if let Ok((packet, _)) = ControlPacket::parse(&bytes) {
            prop_assert_eq!(packet.emit(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = ControlPacket::parse(&bytes);
    }
}
