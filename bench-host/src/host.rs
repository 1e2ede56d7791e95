// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine `bench-host` runs on, for the manifest.

use std::process::Command;
use std::time::Duration;

use results::manifest::Host;

use crate::process;

/// Describes this machine and this binary.
pub fn describe() -> Host {
    Host {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: cpu().unwrap_or_default(),
        cpus: std::thread::available_parallelism().map_or(0, |n| n.get() as u32),
        bench_host: env!("CARGO_PKG_VERSION").to_owned(),
        commit: Some(env!("TLBI_COMMIT").to_owned()).filter(|commit| !commit.is_empty()),
    }
}

/// Returns the name of this machine.
pub fn name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    match name.as_str() {
        "" => "localhost".to_owned(),
        _ => name,
    }
}

fn cpu() -> Option<String> {
    if cfg!(target_os = "macos") {
        let mut sysctl = Command::new("sysctl");
        sysctl.args(["-n", "machdep.cpu.brand_string"]);
        let output = process::output_within(sysctl, Duration::from_secs(2)).ok()?;
        return Some(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    model(&text)
}

/// Returns the model name (x86), or else the part numbers (Arm), as Linux prints them.
fn model(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    field("model name").or_else(|| {
        let (implementer, part) = (field("CPU implementer")?, field("CPU part")?);
        Some(format!("implementer {implementer}, part {part}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_on_x86_and_arm() {
        let x86 = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: A  CPU\n";
        assert_eq!(model(x86).as_deref(), Some("A  CPU"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n";
        assert_eq!(model(arm).as_deref(), Some("implementer 0x41, part 0xd08"));
        assert_eq!(model("nothing"), None);
    }
}
