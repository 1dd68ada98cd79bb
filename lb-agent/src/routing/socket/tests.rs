//! The options on real sockets: the layout of a key as the kernel reads it, passwords that differ, TTLs.

use std::time::Duration;

use lb_core::bgp::Asn;
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(5);
/// Longer than a SYN that is answered takes, shorter than a test's patience.
const NEVER: Duration = Duration::from_millis(400);

fn peer(address: &str, password: &str) -> PeerConfig {
    let password = (!password.is_empty()).then(|| Password::new(password.to_owned()));
    PeerConfig { password, ..PeerConfig::new(address.parse().unwrap(), Asn(64_500)) }
}

#[test]
fn a_key_is_laid_out_as_in_the_kernels_header() {
    assert_eq!((size_of::<Md5Key>(), align_of::<Md5Key>()), (216, 8));
    assert_eq!(std::mem::offset_of!(Md5Key, flags), 128);
    assert_eq!(std::mem::offset_of!(Md5Key, key_length), 130);
    assert_eq!(std::mem::offset_of!(Md5Key, interface), 132);
    assert_eq!(std::mem::offset_of!(Md5Key, key), 136);
}

#[tokio::test]
async fn equal_passwords_connect_and_others_do_not() {
    for address in ["127.0.0.1", "::1"] {
        let listener = listener(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        let to = listener.local_addr().unwrap();
        set_listener_key(&listener, to.ip(), Some(&Password::new("right".to_owned()))).unwrap();

        let connect = |password| async move {
            let socket = outgoing(&peer(address, password)).unwrap();
            timeout(NEVER, socket.connect(to)).await
        };
        let right = outgoing(&peer(address, "right")).unwrap();
        assert!(timeout(SOON, right.connect(to)).await.unwrap().is_ok(), "{address}");
        assert!(connect("wrong").await.is_err(), "{address}: a wrong password is not even answered");
        assert!(connect("").await.is_err(), "{address}: nor is none");

        set_listener_key(&listener, to.ip(), None).unwrap();
        set_listener_key(&listener, to.ip(), None).unwrap();
        let plain = outgoing(&peer(address, "")).unwrap();
        assert!(timeout(SOON, plain.connect(to)).await.unwrap().is_ok(), "{address}: taken away");
    }
}

#[tokio::test]
async fn a_peer_is_reached_by_its_interface_and_no_other() {
    let listener = listener("127.0.0.1:0".parse().unwrap()).unwrap();
    let by = |interface: &str| PeerConfig { interface: Some(interface.to_owned()), ..peer("127.0.0.1", "") };
    let socket = outgoing(&by("lo")).unwrap();
    assert_eq!(SockRef::from(&socket).device().unwrap().as_deref(), Some(b"lo".as_slice()));
    assert!(timeout(SOON, socket.connect(listener.local_addr().unwrap())).await.unwrap().is_ok());
    let error = outgoing(&by("nonexistent0")).unwrap_err();
    assert!(error.to_string().contains("nonexistent0"), "{error}");
    // a session of BFD takes the same way
    let bfd = datagram("127.0.0.1:0".parse().unwrap(), Some("lo")).unwrap();
    assert_eq!(bfd.device().unwrap().as_deref(), Some(b"lo".as_slice()));
}

#[tokio::test]
async fn the_longest_password_fits_and_one_more_is_refused() {
    let listener = listener("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = "127.0.0.1".parse().unwrap();
    let of = |length| Password::new("x".repeat(length));
    assert!(set_listener_key(&listener, address, Some(&of(Password::MAX_LENGTH))).is_ok());
    let error = set_listener_key(&listener, address, Some(&of(Password::MAX_LENGTH + 1))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn who_proves_to_be_near_is_heard_and_who_does_not_is_not() {
    for (address, reach, heard) in [
        ("127.0.0.1", Reach::Secured(1), true),
        ("::1", Reach::Secured(1), true),
        // loopback is no hop, but a TTL of 1 or 254 is not 255
        ("127.0.0.1", Reach::Link, false),
        ("::1", Reach::Hops(254), false),
    ] {
        let listener = listener(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        let to = listener.local_addr().unwrap();
        // the listener's own answers have the full TTL, so any client takes them
        let client = outgoing(&PeerConfig { reach, ..peer(address, "") }).unwrap();
        let mut client = timeout(SOON, client.connect(to)).await.unwrap().unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        guard(&server, &PeerConfig { reach: Reach::Secured(1), ..peer(address, "") }).unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut client, b"x").await.unwrap();
        let mut buffer = [0];
        let read = timeout(NEVER, tokio::io::AsyncReadExt::read_exact(&mut server, &mut buffer)).await;
        assert_eq!(read.is_ok(), heard, "{address} {reach:?}");
    }
}
