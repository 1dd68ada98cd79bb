//! Our SipHash against another one.

use proptest::prelude::*;
use siphasher::sip::SipHasher13;

use super::*;

proptest! {
    #[test]
    fn sip13_is_siphash(key: [u8; 16], service: u32, source: [u8; 16], port: u16) {
        let secret = &HashKey::new(key);
        let reference = SipHasher13::new_with_key(&key);
        let (service, port_bytes) = (ServiceId(service), port.to_le_bytes());

        let v4 = u32::from_le_bytes(*source.first_chunk().unwrap());
        let bytes = [&service.0.to_le_bytes()[..], &v4.to_le_bytes(), &port_bytes].concat();
        prop_assert_eq!(v4.hash(secret, service, port), reference.hash(&bytes));

        let v6 = u128::from_le_bytes(source);
        let bytes = [&source[..], &service.0.to_le_bytes(), &port_bytes].concat();
        prop_assert_eq!(v6.hash(secret, service, port), reference.hash(&bytes));
    }
}
