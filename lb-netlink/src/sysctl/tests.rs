//! Tests of kernel settings: names, comparison, and reading and writing below a folder that looks like `/proc/sys`.

use std::fs;

use proptest::prelude::*;

use super::*;

/// A folder of our own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("overspill-{test}-{}", std::process::id()));
        fs::create_dir_all(path.join("net/ipv4/conf/all")).unwrap();
        fs::write(path.join("net/ipv4/conf/all/rp_filter"), "2\n").unwrap();
        fs::write(path.join("net/ipv4/ip_local_port_range"), "32768\t60999\n").unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RP_FILTER: Sysctl = Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::RpFilter);

#[test]
fn a_setting_is_read_and_written() {
    let folder = Folder::new("written");
    let sysctls = Sysctls::at(&folder.0);
    assert_eq!(sysctls.read(&RP_FILTER), Ok(Value::from(2)));
    assert_eq!(sysctls.write(&RP_FILTER, &Value::from(0)), Ok(()));
    assert_eq!(sysctls.read(&RP_FILTER), Ok(Value::from(0)));
}

#[test]
fn what_is_not_there_is_named_with_its_remedy_and_not_made() {
    let folder = Folder::new("missing");
    let sysctls = Sysctls::at(&folder.0);
    let sloppy = Sysctl::Ipvs(Ipvs::SloppyTcp);
    for result in [sysctls.read(&sloppy).map(drop), sysctls.write(&sloppy, &Value::from(1))] {
        assert_eq!(
            result.unwrap_err().to_string(),
            "net.ipv4.vs.sloppy_tcp: is not there; load IPVS on the host: modprobe ip_vs (an older kernel may \
             lack this one)"
        );
    }
    assert!(!folder.0.join(sloppy.path()).exists());
    let gone = Sysctl::Ipv4Conf(Conf::Device("tunl0".parse().unwrap()), Ipv4Conf::RpFilter);
    let error = sysctls.read(&gone).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(
        error.to_string(),
        "net.ipv4.conf.tunl0.rp_filter: is not there; is there a device `tunl0`? (ip link show)"
    );
}

#[test]
fn all_names_are_different_files_of_this_kernel_or_of_a_module() {
    let mut names: Vec<Sysctl> = Vec::new();
    names.extend(Core::ALL.iter().map(|name| Sysctl::Core(*name)));
    names.extend(Ipv4::ALL.iter().map(|name| Sysctl::Ipv4(*name)));
    names.extend(Ipv4Conf::ALL.iter().map(|name| Sysctl::Ipv4Conf(Conf::All, *name)));
    names.extend(Ipv6Conf::ALL.iter().map(|name| Sysctl::Ipv6Conf(Conf::Default, *name)));
    let modules: Vec<Sysctl> = Ipvs::ALL.iter().map(|name| Sysctl::Ipvs(*name)).collect();
    let mut paths: Vec<PathBuf> = names.iter().chain(&modules).map(Sysctl::path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), names.len() + modules.len());
    if Path::new("/proc/sys/net/ipv6").exists() {
        for sysctl in names {
            assert!(Sysctls::default().read(&sysctl).is_ok(), "{sysctl} is no name of this kernel");
        }
    }
}

#[test]
fn requirements_are_compared_as_the_kernel_means_them() {
    let exactly = Requirement::exactly(RP_FILTER, 0);
    let at_least = Requirement::at_least(Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::ArpIgnore), 1);
    let text = Requirement { value: Value::new("0-3"), ..exactly.clone() };
    let cases = [
        (&exactly, "0", true),
        (&exactly, "1", false),
        (&at_least, "0", false),
        (&at_least, "1", true),
        (&at_least, "8", true),
        (&text, "0-3", true),
        (&text, "0-7", false),
    ];
    for (requirement, found, met) in cases {
        assert_eq!(requirement.is_met_by(&Value::new(found)), met, "{requirement:?} by {found}");
    }
    assert_eq!(Value::new("32768\t60999\n"), Value::new("32768 60999"));
}

#[test]
fn the_plan_writes_what_is_unmet_or_unknown() {
    let wanted = [
        Requirement::exactly(RP_FILTER, 0),
        Requirement::at_least(Sysctl::Ipv4Conf(Conf::All, Ipv4Conf::ArpIgnore), 1),
        Requirement::exactly(Sysctl::Ipvs(Ipvs::SloppyTcp), 1),
    ];
    let observed = |sysctl: &Sysctl| match sysctl {
        Sysctl::Ipvs(_) => None,
        _ => Some(Value::from(2)),
    };
    let commands: Vec<String> = plan(observed, &wanted).iter().map(ToString::to_string).collect();
    assert_eq!(commands, ["sysctl -w net.ipv4.conf.all.rp_filter=0", "sysctl -w net.ipv4.vs.sloppy_tcp=1"]);
}

proptest! {
    /// Whatever a device is called, its file stays below the folder of its settings.
    #[test]
    fn no_device_leads_out_of_the_folder(name in "\\PC{1,15}") {
        if let Ok(device) = name.parse::<DeviceName>() {
            let path = Sysctl::Ipv4Conf(Conf::Device(device), Ipv4Conf::RpFilter).path();
            prop_assert!(path.starts_with("net/ipv4/conf") && path.ends_with("rp_filter"));
            prop_assert_eq!(path.components().count(), 5);
        }
    }
}
