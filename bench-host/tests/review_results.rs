// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host review --results`: what stored runs say of the sequences of a patch.
#![allow(missing_docs)]

#[path = "support/synthetic.rs"]
mod synthetic;

use std::fs;
use std::process::Command;

use results::manifest::LOG_LABEL;
use synthetic::Synthetic;

const PATCH: &str = "\
--- a/head.S
+++ b/head.S
@@ -1,8 +1,7 @@
 flush_boot:
         str   xzr, [x0, x1, lsl #3]
-        dsb   sy
-        isb
+        dsb   nshst
         tlbi  alle2
-        dsb   sy
+        dsb   nsh
         isb
         ret
 ENDPROC(flush_boot)
";

#[test]
fn hardware_runs_give_ratios_and_simulators_give_instructions() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    fs::create_dir(&runs).unwrap();
    let hardware = Synthetic {
        deterministic: false,
        hardware: true,
        new: 900,
        ..Synthetic::default()
    };
    hardware.write(&runs.join("board"));
    Synthetic::default().write(&runs.join("emulator"));
    // What nobody said to be hardware, and what lost lines, is no evidence of time.
    hardware.write(&runs.join("unstated"));
    let manifest = runs.join("unstated/run.toml");
    let stated = fs::read_to_string(&manifest).unwrap();
    let unstated = stated.replace("label = \"hardware\"", &format!("label = \"{LOG_LABEL}\""));
    fs::write(manifest, unstated).unwrap();
    let damaged = Synthetic {
        damaged: true,
        ..hardware
    };
    damaged.write(&runs.join("damaged"));
    fs::write(folder.path().join("fix.patch"), PATCH).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .current_dir(folder.path())
        .args(["review", "--results", "runs", "--observers", "this-pe", "fix.patch"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ");
    assert!(text.contains("timing: board PE0 (hardware): after/before 0."), "{text}");
    assert!(text.contains("noise floor") && text.contains("faster"), "{text}");
    assert_eq!(
        text.matches("(hardware)").count(),
        text.matches("timing: board").count(),
        "{text}"
    );
    assert!(
        text.contains("timing: unstated PE0: saved log of unstated origin"),
        "{text}"
    );
    assert!(text.contains("timing: damaged PE0: incomplete, so no ratio:"), "{text}");
    let simulated = text.split("timing: emulator").nth(1).unwrap();
    assert!(
        simulated.contains("(simulator)") && simulated.contains("no time was measured"),
        "{text}"
    );
    assert!(text.contains("Tested-by: NAME"), "{text}");
}
