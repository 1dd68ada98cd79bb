//! Packets against the example of RFC 2865 7.1, and replies that are not what they seem.
//! The Message-Authenticator is proved by a real server in `tests/probes`.

use lb_core::health::{RadiusReply, Secret};
use proptest::prelude::*;

use super::*;

/// RFC 2865 7.1: user nemo, password arctangent, secret xyzzy5461.
const AUTHENTICATOR_OF_RFC: [u8; 16] =
    [0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a];
const PASSWORD_OF_RFC: [u8; 16] =
    [0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce, 0x31, 0x96, 0xe4, 0x3f, 0x78, 0x2a, 0x0a, 0xee];
const REPLY_OF_RFC: [u8; 38] = [
    0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24, 0xba, 0x2a, 0x10, 0x05, 0xf6, 0xbf, 0x9b,
    0x55, 0xe0, 0xb2, 0x06, 0x06, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x06, 0x00, 0x00, 0x00, 0x00, 0x0e, 0x06,
    0xc0, 0xa8, 0x01, 0x03,
];

fn request(user: &str, password: &str, secret: &str) -> Request {
    let check = RadiusCheck {
        user: user.into(),
        password: Secret::new(password.into()),
        secret: Secret::new(secret.into()),
        reply: RadiusReply::Accept,
    };
    Request::new(&check, Nonces { identifier: 0, authenticator: AUTHENTICATOR_OF_RFC })
}

#[test]
fn the_example_of_the_rfc_is_spoken() {
    let nemo = request("nemo", "arctangent", "xyzzy5461");
    let range = find(nemo.bytes(), attribute::USER_PASSWORD).unwrap().unwrap();
    assert_eq!(nemo.bytes()[range], PASSWORD_OF_RFC);
    assert_eq!(nemo.read(&REPLY_OF_RFC), Some(Ok(RadiusCode::Accept)));
    assert_eq!(nemo.read(&[&REPLY_OF_RFC[..], &[0; 3]].concat()), Some(Ok(RadiusCode::Accept)), "padded");
}

#[test]
fn what_the_secret_did_not_sign_is_no_reply() {
    let nemo = request("nemo", "arctangent", "xyzzy5461");
    let stranger = request("nemo", "arctangent", "another");
    assert_eq!(stranger.read(&REPLY_OF_RFC), Some(Err(RadiusFault::Authenticator)));
    for at in [0, 10, 30] {
        let mut forged = REPLY_OF_RFC;
        forged[at] ^= 1;
        assert_eq!(nemo.read(&forged), Some(Err(RadiusFault::Authenticator)), "byte {at}");
    }
    let mut others = REPLY_OF_RFC;
    others[1] = 1;
    assert_eq!(nemo.read(&others), None, "another request's");
    for junk in [&b""[..], b"\x02", b"\x02\0\0\x04", b"\x02\0\0\x26", b"HTTP/1.1", &REPLY_OF_RFC[..37]] {
        let got = nemo.read(junk);
        assert!(matches!(got, None | Some(Err(RadiusFault::NotRadius))), "{junk:?}: {got:?}");
    }
}

/// A reply with a Message-Authenticator, signed twice as a server does.
fn signed_reply(request: &Request, secret: &[u8], attributes: &[u8], signature: Option<[u8; 16]>) -> Vec<u8> {
    let length = u8::try_from(HEADER + attributes.len() + 18).unwrap();
    let mut packet = vec![code::REJECT, request.nonces.identifier, 0, length];
    packet.extend_from_slice(&request.nonces.authenticator);
    packet.extend_from_slice(attributes);
    packet.extend_from_slice(&[attribute::MESSAGE_AUTHENTICATOR, 18]);
    packet.extend_from_slice(&[0; 16]);
    let signature = signature.unwrap_or_else(|| keyed(secret, &packet));
    let at = packet.len() - 16;
    packet[at..].copy_from_slice(&signature);
    let digest = Md5::new().chain_update(&packet).chain_update(secret).finalize();
    packet[AUTHENTICATOR].copy_from_slice(&digest);
    packet
}

#[test]
fn a_message_authenticator_is_verified_if_it_is_there() {
    let request = request("u", "p", "s");
    let good = signed_reply(&request, b"s", &[18, 4, b'n', b'o'], None);
    assert_eq!(request.read(&good), Some(Ok(RadiusCode::Reject)));
    let bad = signed_reply(&request, b"s", &[], Some([7; 16]));
    assert_eq!(request.read(&bad), Some(Err(RadiusFault::Authenticator)));
    // Attributes that run over the end, or that would never end.
    for attributes in [[18, 200, 0, 0], [18, 0, 0, 0], [18, 1, 0, 0]] {
        let broken = signed_reply(&request, b"s", &attributes, None);
        assert_eq!(request.read(&broken), Some(Err(RadiusFault::NotRadius)), "{attributes:?}");
    }
}

#[test]
fn passwords_of_every_length_fill_blocks() {
    for (length, blocks) in [(0, 1), (1, 1), (16, 1), (17, 2), (128, 8)] {
        let hidden = hidden(&vec![b'x'; length], b"s", &[0; 16]);
        assert_eq!(hidden.len(), blocks * 16, "{length}");
    }
    let longest = request(&"u".repeat(253), &"p".repeat(128), &"s".repeat(1_400));
    assert_eq!(
        usize::from(u16::from_be_bytes([longest.bytes()[2], longest.bytes()[3]])),
        longest.bytes().len()
    );
}

proptest! {
    #[test]
    fn no_bytes_are_a_signed_reply_by_chance(junk in prop::collection::vec(any::<u8>(), 0..200), code in 0_u8..12) {
        let mut junk = junk;
        if let [first, identifier, ..] = junk.as_mut_slice() {
            (*first, *identifier) = (code, 0);
        }
        let got = request("u", "p", "s").read(&junk);
        prop_assert!(!matches!(got, Some(Ok(_))), "{got:?}");
    }
}
