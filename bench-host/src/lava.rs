// SPDX-License-Identifier: MIT OR Apache-2.0
//! Jobs for LAVA.
//!
//! A monitor matches its expressions on the stream, not on lines, and sees partial buffers: so every pattern ends with the
//! checksum and the carriage return, or numbers would be cut. Monitors run one after another, each from its `start` to
//! its `end`; both are lookaheads, so that no line is taken from the next.

use std::fmt;

/// How the device boots a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boots<'a> {
    /// As QEMU's `-kernel`.
    Qemu,
    /// By U-Boot, over TFTP, with a device tree from elsewhere or its own.
    UBoot {
        /// Where the device tree is.
        dtb: Option<&'a str>,
    },
}

/// A job.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Its name.
    pub name: &'a str,
    /// The kind of device.
    pub device_type: &'a str,
    /// Where the image is.
    pub kernel: &'a str,
    /// How it boots.
    pub boots: Boots<'a>,
    /// Whether the image makes checks.
    pub checks: bool,
    /// Minutes it may take.
    pub minutes: u32,
}

/// One monitor: name, start, end, pattern.
type Monitor = (&'static str, &'static str, &'static str, &'static str);

const BOOT: Monitor = (
    "boot",
    r"(?=TLB,0,start,)",
    r"(?=TLB,\d+,(proof|phase|end),)",
    r"TLB,\d+,boot,0,(?P<test_case_id>[a-z0-9_]+),(?P<units>[a-z_]+),(?P<measurement>\d+),[0-9a-f]{8}\r",
);
const PROOFS: Monitor = (
    "proofs",
    r"(?=TLB,\d+,(proof|phase|end),)",
    r"(?=TLB,\d+,(phase|end),)",
    r"TLB,\d+,proof,(?P<test_case_id>[a-z0-9_]+),(?P<result>pass|fail),[^\r\n]*,[0-9a-f]{8}\r",
);
const CHECKS: Monitor = (
    "checks",
    r"(?=TLB,\d+,(phase,check|end),)",
    r"(?=TLB,\d+,end,)",
    r"TLB,\d+,verdict,(?P<test_case_id>[a-z0-9_]+,[a-z0-9_]+),(?P<result>pass|fail|not_observable|skipped),[^\r\n]*,[0-9a-f]{8}\r",
);
const RUN: Monitor = (
    "run",
    r"(?=TLB,\d+,end,)",
    r"\n",
    r"TLB,\d+,(?P<test_case_id>end),(?P<result>pass|fail),\d+,\d+,[0-9a-f]{8}\r",
);

impl fmt::Display for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.minutes;
        writeln!(
            f,
            "# {}: written by bench-host {}",
            self.name.replace('\'', " "),
            env!("CARGO_PKG_VERSION")
        )?;
        writeln!(f, "job_name: {}", quoted(self.name))?;
        writeln!(f, "device_type: {}", quoted(self.device_type))?;
        f.write_str("visibility: public\npriority: medium\n")?;
        writeln!(
            f,
            "timeouts:\n  job: {{minutes: {minutes}}}\n  action: {{minutes: {minutes}}}\n  connection: {{minutes: {}}}",
            minutes.min(5)
        )?;
        let kernel = quoted(self.kernel);
        match self.boots {
            Boots::Qemu => write!(
                f,
                "context:\n  arch: arm64\nactions:\n- deploy:\n    timeout: {{minutes: 5}}\n    to: tmpfs\n    images:\n      \
                 kernel:\n        image_arg: '-kernel {{kernel}}'\n        url: {kernel}\n- boot:\n    timeout: {{minutes: 5}}\n    \
                 method: qemu\n    media: tmpfs\n"
            )?,
            Boots::UBoot { dtb } => {
                let (deployed, address) = match dtb {
                    Some(dtb) => (format!("    dtb:\n      url: {}\n", quoted(dtb)), "{DTB_ADDR}"),
                    None => (String::new(), "${fdtcontroladdr}"),
                };
                let dtb = if dtb.is_some() {
                    "    - 'tftp {DTB_ADDR} {DTB}'\n"
                } else {
                    ""
                };
                write!(
                    f,
                    "actions:\n- deploy:\n    timeout: {{minutes: 5}}\n    to: tftp\n    os: oe\n    kernel:\n      url: {kernel}\n      \
                     type: image\n{deployed}- boot:\n    timeout: {{minutes: 5}}\n    method: bootloader\n    \
                     bootloader: u-boot\n    commands:\n    - 'setenv autoload no'\n    - 'dhcp'\n    \
                     - 'setenv serverip {{SERVER_IP}}'\n    - 'tftp {{KERNEL_ADDR}} {{KERNEL}}'\n{dtb}    \
                     - 'booti {{KERNEL_ADDR}} - {address}'\n    prompts: ['Starting kernel']\n"
                )?;
            }
        }
        writeln!(f, "- test:\n    timeout: {{minutes: {minutes}}}\n    monitors:")?;
        let checks = self.checks.then_some(CHECKS);
        for (name, start, end, pattern) in [BOOT, PROOFS].into_iter().chain(checks).chain([RUN]) {
            let [start, end, pattern] = [start, end, pattern].map(quoted);
            writeln!(
                f,
                "    - name: {name}\n      start: {start}\n      end: {end}\n      pattern: {pattern}"
            )?;
            f.write_str("      fixupdict: {pass: pass, fail: fail, not_observable: unknown, skipped: skip}\n")?;
        }
        Ok(())
    }
}

/// Quotes a line of text for YAML.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(boots: Boots<'_>, checks: bool) -> String {
        let (name, device_type, kernel) = ("it's", "qemu", "file:///srv/k.img");
        Job {
            name,
            device_type,
            kernel,
            boots,
            checks,
            minutes: 10,
        }
        .to_string()
    }

    #[test]
    fn monitors_follow_what_the_image_does() {
        let with = job(Boots::Qemu, true);
        assert!(
            with.contains("job_name: 'it''s'\n") && with.contains("context:\n  arch: arm64\n"),
            "{with}"
        );
        assert_eq!(with.matches("- name: ").count(), 4);
        let without = job(Boots::Qemu, false);
        assert!(
            !without.contains("verdict") && without.contains("- name: run"),
            "{without}"
        );
    }

    #[test]
    fn boards_get_the_device_tree_that_is_named() {
        let own = job(Boots::UBoot { dtb: None }, true);
        assert!(
            own.contains("'booti {KERNEL_ADDR} - ${fdtcontroladdr}'") && !own.contains("dtb"),
            "{own}"
        );
        let named = job(
            Boots::UBoot {
                dtb: Some("http://x/y.dtb"),
            },
            true,
        );
        assert!(
            named.contains("'tftp {DTB_ADDR} {DTB}'\n    - 'booti {KERNEL_ADDR} - {DTB_ADDR}'"),
            "{named}"
        );
        assert!(named.contains("    dtb:\n      url: 'http://x/y.dtb'\n"), "{named}");
    }

    #[test]
    fn every_number_is_closed_by_a_return() {
        for (_, start, end, pattern) in [BOOT, PROOFS, CHECKS, RUN] {
            assert!(pattern.ends_with(r"[0-9a-f]{8}\r"), "{pattern}");
            assert!(start.starts_with("(?=") && (end.starts_with("(?=") || end == r"\n"));
        }
    }
}
