//! What is made of apt's words, on what it printed for two packages.

use super::*;

#[test]
fn dependencies_are_read_from_what_apt_prints() {
    let printed = "\
iproute2
  PreDepends: init-system-helpers
 |Depends: debconf
  Depends: <debconf-2.0>
    cdebconf
  Depends: libbpf1
  Conflicts: <arpd>
  Suggests: iproute2-doc
  Recommends: libatm1
";
    assert_eq!(named(printed), ["init-system-helpers", "debconf", "libbpf1"]);
    assert_eq!(named(""), Vec::<String>::new());
}
