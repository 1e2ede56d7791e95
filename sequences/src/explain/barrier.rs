// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sentences about barriers, by their place among the invalidations.

use crate::explain::context::{Context, Sentences, pes, tlbis};
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::tlbi::Scope;
use alloc::format;
use alloc::string::String;

/// Explains a `dsb`, or its nXS form.
pub(super) fn dsb(here: &Context<'_>, barrier: Barrier, nxs: bool) -> Sentences {
    match here.outstanding() {
        Some(scope) => after_tlbi(here, barrier, scope, nxs),
        None if here.any_before() => finished(here, barrier),
        None if here.any_after() => before_tlbi(here, barrier),
        None => alone(barrier),
    }
}

/// No invalidation before it: it is there for the store of the descriptor.
fn before_tlbi(here: &Context<'_>, barrier: Barrier) -> Sentences {
    if barrier.access == Access::Loads {
        return Sentences::new(
            "Waits for the loads before it, not for stores.",
            "Not the store of the descriptor before the tlbi: table walks may read the old descriptor after the tlbi.",
            "Nothing changes for this job: the sequence needs a `st` form or a full DSB here.",
        );
    }
    let accesses = if barrier.access == Access::Stores {
        "stores"
    } else {
        "loads and stores"
    };
    let mut orders = String::from(
        "The store of the descriptor before the tlbi: a walk that starts after the invalidation reads the new descriptor.",
    );
    let scope = tlbis(here.after())
        .map(|tlbi| tlbi.op.scope())
        .max()
        .unwrap_or(Scope::Local);
    if barrier.domain < Domain::covering(scope) {
        orders.push_str(match barrier.access {
            Access::Stores => {
                " Its domain is narrower than that of the tlbi; older issues of the Arm ARM promise nothing about \
                 walks of other PEs then, newer ones give `st` forms the same strength in every domain."
            }
            _ => " Its domain is narrower than that of the tlbi: nothing is promised about walks of other PEs.",
        });
    }
    Sentences::new(
        format!(
            "Waits until the {accesses} before it are complete for {}.",
            pes(barrier.domain)
        ),
        orders,
        "The tlbi may take effect before the store: a walk can still read the old descriptor and cache it again, and \
         the stale translation survives the maintenance.",
    )
}

/// An invalidation is outstanding: it is there to complete it.
fn after_tlbi(here: &Context<'_>, barrier: Barrier, scope: Scope, nxs: bool) -> Sentences {
    if barrier.access != Access::All {
        return Sentences::new(
            "Does not complete the tlbi before it: only a DSB for both loads and stores does.",
            "Not the invalidation: the old translation may be used after it.",
            "Nothing changes for this job: the sequence needs a DSB without `st` or `ld` here.",
        );
    }
    let needed = Domain::covering(scope);
    let wider = if barrier.domain > needed {
        format!(
            " Its domain is wider than needed: `{}` covers the scope.",
            needed.name()
        )
    } else {
        String::new()
    };
    let mut orders = String::from(if here.any_after() {
        "The invalidation before the tlbi that follows, and before everything else after it."
    } else {
        "The invalidation, and the accesses made through the old translation, before everything after it."
    });
    if barrier.domain < needed {
        orders = format!(
            "The invalidation on {} before everything after it; about the other PEs the tlbi reaches nothing is \
             promised: that takes `{}`.",
            pes(barrier.domain),
            needed.name(),
        );
    }
    if nxs {
        orders.push_str(
            " It does not wait for accesses with the XS attribute, so device mappings may still be in use after it.",
        );
    }
    Sentences::new(
        format!(
            "Completes the tlbi before it: waits until {} uses what was invalidated any longer.{wider}",
            nobody(needed.min(barrier.domain))
        ),
        orders,
        "A tlbi is only started by its instruction: without a DSB on the same PE the old translation may still be used \
         at any later point.",
    )
}

/// Returns "no PE of ...", to stand before "uses".
const fn nobody(domain: Domain) -> &'static str {
    match domain {
        Domain::NonShareable => "nothing on this PE",
        Domain::InnerShareable => "no PE of the Inner Shareable domain",
        Domain::OuterShareable => "no PE of the Outer Shareable domain",
        Domain::FullSystem => "no PE of the system",
    }
}

/// Invalidations came before it, and are complete.
fn finished(here: &Context<'_>, barrier: Barrier) -> Sentences {
    let next = if here.any_after() {
        "the tlbi that follows"
    } else {
        "what follows"
    };
    Sentences::new(
        format!(
            "Waits for accesses for {}; the invalidations before it are already complete.",
            pes(barrier.domain)
        ),
        format!("The accesses since the DSB before it, if there are any, before {next}."),
        "Nothing changes for the invalidations before it: the DSB before it did this work.",
    )
}

/// No invalidation in the whole sequence.
fn alone(barrier: Barrier) -> Sentences {
    let accesses = match barrier.access {
        Access::Loads => "loads",
        Access::Stores => "stores",
        Access::All => "loads and stores",
    };
    let orders = match barrier.access {
        Access::Loads => "No store of a descriptor: table walks may still read the old one.",
        _ => {
            "The store of a descriptor before the walks that start after it; enough for an entry that was invalid, which no TLB holds."
        }
    };
    Sentences::new(
        format!(
            "Waits until the {accesses} before it are complete for {}.",
            pes(barrier.domain)
        ),
        orders,
        "A walk may read the old descriptor: an access that should succeed can fault.",
    )
}

/// Explains a `dmb`.
pub(super) fn dmb(here: &Context<'_>, barrier: Barrier) -> Sentences {
    let accesses = match barrier.access {
        Access::Loads => "loads before it before the loads and stores after it",
        Access::Stores => "stores before it before the stores after it",
        Access::All => "loads and stores before it before those after it",
    };
    let instead = if here.outstanding().is_some() || here.any_after() {
        " Where it stands a DSB is needed."
    } else {
        ""
    };
    Sentences::new(
        format!(
            "Orders memory accesses as seen by {}, without waiting for any.",
            pes(barrier.domain)
        ),
        format!("The {accesses}; no table walk and no tlbi, because neither is such an access.{instead}"),
        "Nothing changes for the translations; messages to other PEs about the change may arrive early.",
    )
}

/// Explains an `isb`.
pub(super) fn isb(here: &Context<'_>) -> Sentences {
    let does = "Synchronizes the context of this PE: what follows is fetched and executed anew.";
    if let (Some(register), true) = (here.written(), here.any_after()) {
        return Sentences::new(
            does,
            format!("The write of {register} before the tlbi after it, and before every walk after it."),
            format!("The tlbi, or a walk after it, may still go by the old value of {register}."),
        );
    }
    if here.outstanding_here() {
        return Sentences::new(
            does,
            "It comes too early: the tlbi before it is not complete without a DSB in between, so what follows may \
             still use the old translation.",
            "Nothing can be relied on with it or without it; it belongs after the completing DSB.",
        );
    }
    if here.any_after() {
        let after_dsb = here
            .before()
            .iter()
            .any(|instruction| matches!(instruction, Instruction::Dsb(_)));
        let orders = if after_dsb {
            "It has no architectural job between the DSB and the tlbi: the DSB orders the store already. It has one \
             after a write to a system register that selects what the tlbi applies to, e.g. VTTBR_EL2."
        } else {
            "Writes to system registers before the sequence, e.g. VTTBR_EL2, before the tlbi that depends on them; it \
             waits for no store."
        };
        return Sentences::new(
            does,
            orders,
            "Nothing changes, unless a system register was written just before.",
        );
    }
    if !here.any_before() {
        let dsb = here
            .before()
            .iter()
            .any(|i| matches!(i, Instruction::Dsb(Barrier { access, .. }) if *access != Access::Loads));
        let orders = if dsb {
            "The completed stores before the fetches and, without FEAT_ETS2, the accesses after it: an entry made valid is \
             sure to be seen."
        } else {
            "Earlier changes of context before what follows; it waits for no store."
        };
        return Sentences::new(
            does,
            orders,
            "Later instructions of this PE may still act on the state before the change.",
        );
    }
    Sentences::new(
        does,
        "The completed invalidation before this PE's own later instruction fetches and, without FEAT_ETS2, its own \
         later loads and stores.",
        "This PE's instruction fetches may still use the old translation, and so may its loads and stores without \
         FEAT_ETS2, because they may have started before the invalidation was complete.",
    )
}

/// Checks that the order of the domains is that of what they cover, which the comparisons here rest on.
const _: () = {
    assert!((Domain::NonShareable as u8) < Domain::InnerShareable as u8);
    assert!((Domain::InnerShareable as u8) < Domain::OuterShareable as u8);
    assert!((Domain::OuterShareable as u8) < Domain::FullSystem as u8);
    assert!((Scope::Local as u8) < Scope::InnerShareable as u8);
    assert!((Scope::InnerShareable as u8) < Scope::OuterShareable as u8);
};
