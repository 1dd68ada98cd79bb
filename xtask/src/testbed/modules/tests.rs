//! The order of modules, from made-up ones with true `.modinfo`.

use super::*;

fn module(depends: &str) -> Vec<u8> {
    format!("\x7fELF license=GPL\0alias=x\0depends={depends}\0retpoline=Y\0").into_bytes()
}

#[test]
fn what_a_module_stands_on_is_read_from_it() {
    assert_eq!(stands_on(&module("nf_defrag-ipv4,libcrc32c")), ["nf_defrag_ipv4", "libcrc32c"]);
    assert_eq!(stands_on(&module("")), Vec::<String>::new());
    assert_eq!(stands_on(b"no section"), Vec::<String>::new());
}

#[test]
fn each_module_comes_after_those_below_it() {
    let folder = std::env::temp_dir().join(format!("modules-{}", std::process::id()));
    fs::create_dir_all(folder.join("kernel/net")).expect("a folder of our own");
    for (file, depends) in [("a.ko", "b-c,d"), ("kernel/b-c.ko", "d"), ("kernel/net/d.ko", "")] {
        fs::write(folder.join(file), module(depends)).expect("a file of our own");
    }
    let mut files = BTreeMap::new();
    find(&folder, &mut files).expect("readable");
    let mut loaded = Vec::new();
    add("a", &files, &mut loaded, 0).expect("all are there");
    let missing = add("e", &files, &mut loaded, 0).expect_err("is not there");
    fs::remove_dir_all(&folder).expect("ours");
    let names: Vec<_> = loaded.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(names, ["d", "b_c", "a"]);
    assert_eq!(missing.to_string(), "this kernel has no module e");
}
