// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record as text.

use core::fmt::{self, Display, Formatter};

use super::{BOUND_SINCE, Pairs, Record, Words};

impl Display for Record<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Start {
                schema,
                kernel,
                plan_crc,
                seed,
                el,
                nonce,
            } => {
                write!(f, "start,{schema},{kernel},{plan_crc:08x},{seed},{el}")?;
                if schema < BOUND_SINCE {
                    return Ok(());
                }
                write!(f, ",{nonce:#x}")
            }
            Self::Image {
                load,
                size,
                runtime,
                case,
                flow,
            } => {
                write!(f, "image,{load:#x},{size:#x},{runtime:#x},{case},{flow}")
            }
            Self::Machine {
                model,
                compatible,
                firmware,
            } => write!(f, "machine,{model},{compatible},{firmware}"),
            Self::Reg { pe, name, value } => write!(f, "reg,{pe},{name},{value:#x}"),
            Self::Clock { pe, event, frequency } => write!(f, "clock,{pe},{},{frequency}", event.id()),
            Self::Seq { id, words } => write!(f, "seq,{id},{words}"),
            Self::Words { id, offset, words } => {
                write!(f, "words,{id},{offset},")?;
                match words {
                    Words::Text(text) => f.write_str(text),
                    Words::Slice(words) => words.iter().enumerate().try_for_each(|(i, word)| {
                        let space = if i == 0 { "" } else { " " };
                        write!(f, "{space}{word:08x}")
                    }),
                }
            }
            Self::Skip { seq, reason } => write!(f, "skip,{seq},{reason}"),
            Self::Phase { name, steps } => write!(f, "phase,{name},{steps}"),
            Self::Boot {
                pe,
                phase,
                event,
                count,
            } => write!(f, "boot,{pe},{phase},{},{count}", event.id()),
            Self::Proof { name, holds, detail } => write!(f, "proof,{name},{},{detail}", pass(holds)),
            Self::Event { pe, event, support } => {
                let number = event.number().unwrap_or_default();
                write!(f, "event,{pe},{},{number:#x},{}", event.id(), support.id())
            }
            Self::Order {
                order,
                block,
                warmup,
                places,
            } => write!(f, "order,{order},{block},{warmup},{}", places.id()),
            Self::Lost { pe, mpidr, reason } => write!(f, "lost,{pe},{mpidr:#x},{reason}"),
            Self::NoScenario { scenario, reason } => write!(f, "no_scenario,{scenario},{reason}"),
            Self::Sample {
                seq,
                scenario,
                pe,
                event,
                batch,
                pairs,
            } => {
                let event = event.id();
                match pairs {
                    Pairs::Text(text) => write!(f, "sample,{seq},{pe},{event},{batch},{text}"),
                    Pairs::Differences(text) => write!(f, "counts,{seq},{scenario},{pe},{event},{batch},{text}"),
                    Pairs::Slice(pairs) => {
                        write!(f, "counts,{seq},{scenario},{pe},{event},{batch}")?;
                        let mut before = 0;
                        pairs.iter().try_for_each(|&(value, count)| {
                            let difference = value.wrapping_sub(before);
                            before = value;
                            match count {
                                1 => write!(f, ",{difference}"),
                                count => write!(f, ",{difference}x{count}"),
                            }
                        })
                    }
                }
            }
            Self::Batch {
                pe,
                batch,
                cycles,
                ticks,
                samples,
            } => {
                write!(f, "batch,{pe},{batch},{cycles},{ticks},{samples}")
            }
            Self::Overhead {
                batch,
                samples,
                timed,
                bare,
                words,
            } => {
                write!(f, "overhead,{batch},{samples},{timed},{bare},{words}")
            }
            Self::Outcome {
                check,
                seq,
                role,
                pe,
                outcomes: o,
            } => {
                write!(
                    f,
                    "outcome,{check},{seq},{role},{pe},{},{},{},{}",
                    o.stale, o.new, o.fault, o.other
                )
            }
            Self::Pace { check, trials, ticks } => write!(f, "pace,{check},{trials},{ticks}"),
            Self::Verdict {
                check,
                seq,
                class,
                reason,
            } => write!(f, "verdict,{check},{seq},{class},{reason}"),
            Self::Exception {
                phase,
                vector,
                el,
                esr,
                elr,
                far,
                seq,
            } => {
                write!(f, "exception,{phase},{vector},{el},{esr:#x},{elr:#x},{far:#x}")?;
                if seq.is_empty() { Ok(()) } else { write!(f, ",{seq}") }
            }
            Self::Fatal { phase, message } => write!(f, "fatal,{phase},{message}"),
            Self::End {
                pass: holds,
                lines,
                samples,
            } => write!(f, "end,{},{lines},{samples}", pass(holds)),
        }
    }
}

const fn pass(holds: bool) -> &'static str {
    if holds { "pass" } else { "fail" }
}
