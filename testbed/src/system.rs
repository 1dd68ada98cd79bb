//! What the first process of a system has to do: mounts, modules, an end.

use std::ffi::CString;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use rustix::mount::MountFlags;
use rustix::process::{Resource, Rlimit};
use rustix::system::RebootCommand;

/// Where the kernel shows what, and where we write.
const MOUNTS: [(&str, &str); 5] =
    [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp"), ("tmpfs", "/run")];

/// Both ends of all connections are this process's.
const OPEN_FILES: u64 = 20_000;

/// Mounts the usual file systems and loads the modules of the image in the order of their names.
pub(crate) fn begin() -> anyhow::Result<()> {
    for (kind, place) in MOUNTS {
        rustix::mount::mount(kind, place, kind, MountFlags::empty(), None)
            .with_context(|| format!("mounting {place}"))?;
    }
    let files = Rlimit { current: Some(OPEN_FILES), maximum: Some(OPEN_FILES) };
    rustix::process::setrlimit(Resource::Nofile, files).context("raising the limit of open files")?;
    let entries = fs::read_dir("/modules").context("the image has no folder of modules")?;
    let mut modules: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    modules.sort();
    for module in modules {
        load(&module).with_context(|| format!("loading {}", module.display()))?;
    }
    Ok(())
}

fn load(module: &Path) -> anyhow::Result<()> {
    match rustix::system::init_module(&fs::read(module)?, &CString::default()) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Seconds since the kernel began.
pub(crate) fn uptime() -> f64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    text.split(' ').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(f64::NAN)
}

/// Switches the machine off; whatever is not written to a serial line by now is lost.
pub(crate) fn end() {
    if let Err(error) = rustix::system::reboot(RebootCommand::PowerOff) {
        // the kernel panics when its first process ends, and `panic=-1` ends the guest
        eprintln!("could not switch off: {error}");
    }
}
