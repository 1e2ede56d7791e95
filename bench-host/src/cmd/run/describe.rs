// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manifest of a run as it begins.

use std::ffi::OsString;

use results::SCHEMA_VERSION;
use results::manifest::{self, ADVERSARY_LABEL, HARDWARE_LABEL, Hex, LOG_LABEL, Manifest, QEMU_LABEL, Status};
use results::plan::AtEnd;

use super::{Args, On};
use crate::cmd::adversary::Choose;
pub use crate::cmd::adversary::word_of as id;
use crate::host;
use crate::input::Source;
use crate::kernel::Kernel;
use crate::plan::{PlanArgs, conduit_text, console_text};
use crate::qemu::Qemu;
use crate::receive::now;

/// Describes a run in QEMU.
pub fn qemu(args: &Args, qemu: &Qemu, arguments: &[OsString], kernel: &Kernel, plan: manifest::Plan) -> Manifest {
    let level = if args.plan.el1 { "_el1" } else { "" };
    let machine = format!("qemu_{}{level}", id(&args.cpu));
    Manifest {
        qemu: Some(called(qemu, arguments)),
        ..start(&machine, QEMU_LABEL, Some(kernel), reproduce(args, true), plan)
    }
}

/// Describes a run on the adversary.
pub fn adversary(args: &Args, machine: &str, kernel: &Kernel, plan: manifest::Plan) -> Manifest {
    start(machine, ADVERSARY_LABEL, Some(kernel), reproduce(args, true), plan)
}

/// Describes a run that a console shows. Unless the plan is stated, it is the default one until the console says otherwise.
pub fn console(args: &Args, source: &Source, plan: manifest::Plan, stated: bool) -> Manifest {
    let label = console_label(args.console.hardware);
    start(&id(&source.name()), label, None, reproduce(args, stated), plan)
}

/// Returns what every number of a console is labelled with, until it shows that this is wrong.
pub const fn console_label(hardware: bool) -> &'static str {
    if hardware { HARDWARE_LABEL } else { LOG_LABEL }
}

/// Returns how QEMU is called.
pub fn called(qemu: &Qemu, arguments: &[OsString]) -> manifest::Qemu {
    let program = qemu.program.as_os_str().to_owned();
    let words = [program].into_iter().chain(arguments.iter().cloned());
    manifest::Qemu {
        version: qemu.version.to_string(),
        arguments: words.map(|word| word.to_string_lossy().into_owned()).collect(),
        messages: Vec::new(),
    }
}

/// Describes any run as it begins. Without a kernel: what the log of an unknown one says.
pub fn start(machine: &str, label: &str, kernel: Option<&Kernel>, reproduce: String, plan: manifest::Plan) -> Manifest {
    let kernel = match kernel {
        Some(kernel) => manifest::Kernel {
            source: kernel.source.clone(),
            sha256: kernel.sha256.clone(),
            ..manifest::Kernel::default()
        },
        None => manifest::Kernel {
            source: "unknown".to_owned(),
            ..manifest::Kernel::default()
        },
    };
    Manifest {
        schema: SCHEMA_VERSION,
        status: Status::Running,
        reasons: Vec::new(),
        started: now(),
        finished: None,
        machine: machine.to_owned(),
        simulator: label != HARDWARE_LABEL,
        label: label.to_owned(),
        reproduce,
        host: host::describe(),
        board: None,
        qemu: None,
        kernel,
        plan,
        stream: manifest::Stream::default(),
        pes: Vec::new(),
    }
}

/// Returns the command that makes the run again. Defaults are spelled out: another version may have others. The plan of a
/// console is named only if the user stated it: any other is not known to be the one that ran.
fn reproduce(args: &Args, with_plan: bool) -> String {
    let mut options: Vec<(&str, Option<String>)> = Vec::new();
    let console = args.console.source().is_some();
    let untimed = args.machine == On::Adversary;
    if untimed {
        let choose = args.choose.unwrap_or(Choose::Latest);
        options.push(("machine", Some("adversary".to_owned())));
        options.push(("choose", Some(choose.word().to_owned())));
    }
    if !console {
        options.push(("cpu", Some(args.cpu.clone())));
        options.extend(args.smp.map(|smp| ("smp", Some(smp.to_string()))));
    }
    options.extend(args.console.words());
    if let Some(kernel) = &args.kernel {
        options.push(("kernel", Some(kernel.display().to_string())));
    }
    if with_plan {
        options.extend(plan_options(&args.plan, !untimed));
    }
    let flags = [("deterministic", args.deterministic), ("one-thread", args.one_thread)];
    options.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| (flag, None)));
    words("run", options)
}

fn plan_options(p: &PlanArgs, timed: bool) -> Vec<(&'static str, Option<String>)> {
    let mut options: Vec<(&'static str, Option<String>)> = Vec::new();
    let mut option = |name, value: String| options.push((name, Some(value)));
    if !p.break_even {
        p.sequence
            .iter()
            .for_each(|sequence| option("sequence", sequence.clone()));
        option("pages", p.pages.to_string());
    }
    if timed {
        option("iterations", p.iterations().to_string());
        option("batch", p.batch().to_string());
    }
    option("trials", p.trials.to_string());
    option("seed", Hex::to_string(&p.seed));
    option("runtime", p.runtime.to_string());
    option("flow", p.flow.id().to_owned());
    if let Some(flush) = &p.boot_flush {
        option("boot-flush", flush.clone());
    }
    if let Some(console) = p.console {
        option("console", console_text(console));
    }
    if let Some(conduit) = p.psci {
        option("psci", conduit_text(conduit).to_owned());
    }
    if p.ending.at_end != AtEnd::Off {
        options.push(("at-end", Some(p.ending.at_end.id().to_owned())));
    }
    if timed {
        options.extend(p.measure.options());
    }
    let flags = [("el1", p.el1), ("break-even", p.break_even), ("no-checks", p.no_checks)];
    options.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| (flag, None)));
    options
}

/// Returns a command of this program in the words of a shell.
pub fn words(command: &str, options: Vec<(&str, Option<String>)>) -> String {
    let mut words = vec!["bench-host".to_owned(), command.to_owned()];
    for (name, value) in options {
        words.push(format!("--{name}"));
        words.extend(value.map(|value| quote(&value)));
    }
    words.join(" ")
}

/// Quotes a word for the shell, where it needs it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_the_shell_would_change_them() {
        assert_eq!(quote("xen_head_old"), "xen_head_old");
        assert_eq!(quote("a=dsb ish; isb"), "'a=dsb ish; isb'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn machines_have_ids() {
        assert_eq!(id("Cortex-A72"), "cortex_a72");
        assert_eq!(id(""), "log");
    }
}
