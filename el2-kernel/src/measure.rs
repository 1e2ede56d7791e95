// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times sequences: one sample of each per round, in a new seeded order every round.
//!
//! Interleaving puts slow drift (frequency, temperature, a busy host) into every sequence alike. What is timed is the
//! stub's own frame; drawing the order, loading operands and storing the sample lie outside it.
#![expect(unsafe_code)]
// UNSAFETY: runs stubs, and keeps samples in a static buffer.

use core::cell::UnsafeCell;

use results::plan::{MAX_BATCH_SAMPLES, MAX_SEQUENCES, Plan, flags};
use results::record::{Pairs, Record};

use crate::boot::Handover;
use crate::console;
use crate::counts::count_values;
use crate::operands::{Operands, Subject, operands};
use crate::order::Random;
use crate::stop::{count_samples, fatal};
use crate::stub;

/// Value counts per `sample` line: even the longest numbers stay within [`results::wire::MAX_LINE`].
const PAIRS: usize = 14;

struct Samples(UnsafeCell<[u64; MAX_BATCH_SAMPLES]>);

// SAFETY: only `run` refers to it, once, on one PE.
unsafe impl Sync for Samples {}

static SAMPLES: Samples = Samples(UnsafeCell::new([0; MAX_BATCH_SAMPLES]));

/// One line of samples: what to run, and what to call it.
#[derive(Clone, Copy)]
struct Stream<'a> {
    id: &'a str,
    stub: usize,
    operands: Operands,
}

/// Runs every batch of the plan.
pub fn run(boot: &Handover, plan: &Plan<'_>) {
    let settings = &plan.settings;
    let empty = Stream {
        id: "empty",
        stub: boot.stubs.empty(),
        operands: [0; 8],
    };
    let mut streams = [empty; MAX_SEQUENCES + 1];
    let mut count = 1;
    for (index, entry) in plan.entries().enumerate() {
        let timed = entry.flags & flags::TIMED != 0;
        if let Some(stub) = boot.stubs.timed(index).filter(|_| timed) {
            streams[count] = Stream {
                id: entry.id,
                stub,
                operands: operands(&entry, &Subject::at(boot.layout.pages)),
            };
            count += 1;
        }
    }
    if count == 1 || settings.iterations == 0 {
        return;
    }
    let streams = &streams[..count];
    let batch = settings.batch.clamp(1, settings.iterations) as usize;
    if batch > MAX_BATCH_SAMPLES / count {
        fatal("the plan is too big: one batch of all sequences does not fit the sample buffer");
    }
    let batches = settings.iterations.div_ceil(batch as u32);
    console::record(&Record::Phase {
        name: "measure",
        steps: batches,
    });

    // SAFETY: the only reference, see above.
    let samples = unsafe { &mut *SAMPLES.0.get() };
    let mut random = Random::new(settings.seed);
    let mut order: [u8; MAX_SEQUENCES + 1] = core::array::from_fn(|i| i as u8);
    let order = &mut order[..count];
    for number in 0..batches {
        let rounds = batch.min(settings.iterations as usize - number as usize * batch);
        for round in 0..rounds {
            random.shuffle(order);
            for &stream in &*order {
                let stream = usize::from(stream);
                // SAFETY: an emitted stub of validated words.
                let (before, after) = unsafe { stub::run(streams[stream].stub, &streams[stream].operands) };
                samples[stream * batch + round] = after.wrapping_sub(before);
            }
        }
        for (stream, samples) in streams.iter().zip(samples.chunks_mut(batch)) {
            count_values::<PAIRS>(&mut samples[..rounds], |pairs| {
                let (seq, event, pairs) = (stream.id, boot.event, Pairs::Slice(pairs));
                console::record(&Record::Sample {
                    seq,
                    pe: 0,
                    event,
                    batch: number,
                    pairs,
                });
            });
        }
        count_samples(rounds * count);
    }
}
