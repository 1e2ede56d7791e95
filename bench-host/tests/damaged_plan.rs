// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel with a plan that was damaged on its way: it says so, on a stream that is whole, and measures nothing.
#![allow(missing_docs)]

use adversary::{Machine, Options};
use bench_host::kernel::Kernel;
use bench_host::plan::{PlanArgs, RunPlan};
use clap::Parser;
use results::image::plan_area;
use results::wire::{Binding, parse_line};
use stats::bootstrap::SplitMix64;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    plan: PlanArgs,
}

#[test]
fn a_damaged_plan_is_refused_by_name_on_a_whole_stream() {
    let plan = RunPlan::new(&Cli::parse_from(["plan"]).plan).unwrap();
    let mut kernel = Kernel::load(None).unwrap();
    kernel.install(&plan.settings, &plan.entries()).unwrap();
    let random = &mut SplitMix64::new(5);
    for case in 0..60 {
        let mut image = kernel.bytes.clone();
        let area = plan_area(&mut image).unwrap();
        let length = u32::from_le_bytes(area[8..12].try_into().unwrap()) as usize;
        for _ in 0..=random.below(3) {
            let at = random.below(length as u64) as usize;
            area[at] ^= 1 << random.below(8);
        }
        let mut stream = Vec::new();
        let mut machine = Machine::new(&image, &Options::default()).unwrap();
        machine.run(&mut |bytes| {
            stream.extend_from_slice(bytes);
            true
        });
        let text = String::from_utf8(stream).unwrap();
        let mut binding = Binding::NONE;
        let mut bodies = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (number, body) = parse_line(line, binding).unwrap_or_else(|error| panic!("{case}: {error}: {line}"));
            binding = Binding::of_first(number, body).unwrap_or(binding);
            assert_eq!(number as usize, bodies.len(), "{case}");
            bodies.push(body.to_owned());
        }
        assert!(bodies[0].starts_with("start,"), "{case}: {bodies:?}");
        let refused = |body: &String| body.starts_with("fatal,") && body.contains("plan");
        assert!(bodies.iter().any(refused), "{case}: {bodies:?}");
        assert!(bodies.last().unwrap().starts_with("end,fail,"), "{case}: {bodies:?}");
        assert!(!bodies.iter().any(|body| body.starts_with("counts,")), "{case}");
    }
}
