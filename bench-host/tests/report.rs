// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a stored run to its report, in every form.

use std::fs;
use std::path::{Path, PathBuf};

use bench_host::aggregate::{AggregateError, aggregate};
use report::model::{Finding, Net, Part, Summary};
use report::{data, html, markdown, terminal};
use results::SCHEMA_VERSION;
use results::verdict::Class;

#[path = "support/synthetic.rs"]
mod synthetic;

use synthetic::Synthetic;

fn noisy() -> Synthetic {
    Synthetic {
        deterministic: false,
        iterations: 20_000,
        batch: 1000,
        ..Synthetic::default()
    }
}

/// Writes a run and returns the folder that keeps it alive, and its path.
fn stored(run: Synthetic) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    run.write(&path);
    (folder, path)
}

fn summary(run: Synthetic) -> Summary {
    aggregate(&stored(run).1).unwrap()
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn exact_counts_give_exact_results() {
    let summary = summary(Synthetic::default());
    let of = |seq: &str| summary.series.iter().find(|series| series.seq == seq).unwrap();
    let stats = |seq: &str| of(seq).stats.unwrap();
    assert_eq!((stats("empty").median, stats("empty").net), (3.0, Net::IsFrame));
    assert_eq!(
        (stats("xen_head_old").median, stats("xen_head_old").net),
        (7.0, Net::Resolved(4.0))
    );
    assert_eq!(
        (stats("xen_head_new").median, stats("xen_head_new").net),
        (6.0, Net::Resolved(3.0))
    );
    assert_eq!((stats("xen_head_new").p999, stats("xen_head_new").mad), (6, 0.0));
    assert_eq!(of("xen_head_new").distribution, [(6, 100_000)]);
    assert_eq!(of("xen_head_old_aa").part, Part::Twin("xen_head_old".to_owned()));
    assert_eq!(summary.comparisons.len(), 2);
    let new = summary.comparisons.iter().find(|c| !c.is_twin).unwrap();
    assert_eq!((new.net.unwrap().estimate, new.noise_floor), (0.75, Some(0.0)));
    assert_eq!(new.raw.unwrap().estimate, 6.0 / 7.0);
    assert_eq!(new.finding, Finding::Faster);
    assert!(summary.reservations.is_empty());
}

#[test]
fn checks_carry_their_controls_and_bounds() {
    let summary = summary(Synthetic::default());
    assert_eq!(summary.checks.len(), 5);
    let first = &summary.checks[0];
    assert_eq!(first.bad_control.unwrap().stale, 1000);
    assert_eq!(first.good_control.as_ref().unwrap().0, "xen_head_old");
    assert_eq!(first.rows[0].class, Class::Pass);
    // 1 - 0.05^(1/1000).
    assert!((first.rows[0].stale_rate_bound.unwrap() - 0.002_991_2).abs() < 1e-7);
    let last = &summary.checks[4];
    assert_eq!(
        (last.rows[0].class, last.rows[0].stale_rate_bound),
        (Class::NotObservable, None)
    );
}

#[test]
fn a_run_reads_the_same_every_time() {
    let (_folder, path) = stored(noisy());
    assert_eq!(aggregate(&path).unwrap(), aggregate(&path).unwrap());
}

#[test]
fn both_readers_of_samples_agree() {
    let (_folder, path) = stored(Synthetic { pes: 2, ..noisy() });
    let plain = aggregate(&path).unwrap();
    // A quoted field is the same data, but only the general reader takes it.
    replace(&path.join("samples.csv"), "\nempty,0,cycles,", "\n\"empty\",0,cycles,");
    assert_eq!(aggregate(&path).unwrap(), plain);
}

#[test]
fn an_incomplete_run_is_reported_and_says_so() {
    let summary = summary(Synthetic {
        damaged: true,
        ..noisy()
    });
    let new = summary
        .series
        .iter()
        .find(|series| series.seq == "xen_head_new")
        .unwrap();
    assert_eq!(
        (new.short_batches, new.batches.len(), new.stats.unwrap().samples),
        (1, 19, 19_000)
    );
    assert!(new.batches.iter().all(|&(batch, _)| batch != 3));
    assert_eq!(summary.checks[4].rows[0].class, Class::Skipped);
    for text in [
        terminal::render(&summary, terminal::WIDTH),
        markdown::render(&summary, str::to_owned),
        html::render(&summary, str::to_owned),
    ] {
        for words in [
            "INCOMPLETE",
            "no line for 10 s",
            "3 lines lost, 1 damaged",
            "1 batch left out",
        ] {
            assert!(text.contains(words), "{words}");
        }
    }
}

#[test]
fn a_killed_run_is_read_up_to_its_last_whole_row() {
    let (_folder, path) = stored(noisy());
    replace(&path.join("run.toml"), "status = \"complete\"", "status = \"running\"");
    let samples = path.join("samples.csv");
    let mut text = fs::read_to_string(&samples).unwrap();
    text.truncate(text.len() * 2 / 3);
    fs::write(&samples, text).unwrap();
    let summary = aggregate(&path).unwrap();
    assert_eq!(summary.reservations, ["the run has not ended, or its host was killed"]);
    let cut: u64 = summary.series.iter().map(|series| series.short_batches).sum();
    assert_eq!(cut, 1, "the batch that was being written is left out");
}

#[test]
fn a_bad_row_is_named_by_file_and_line() {
    let bad = |from: &str, to: &str, file: &str| {
        let (_folder, path) = stored(Synthetic::default());
        replace(&path.join(file), from, to);
        aggregate(&path).unwrap_err().to_string()
    };
    let error = bad("empty,0,cycles,0,3,2000", "empty,0,cycles,0,three,2000", "samples.csv");
    assert!(error.contains("samples.csv line 2, field value"), "{error}");
    let error = bad(
        "cowinvt_el2,none,none,0,1000",
        "cowinvt_el2,none,none,0,-1",
        "litmus.csv",
    );
    assert!(error.contains("litmus.csv line 2, field stale"), "{error}");
    let error = bad(
        "cowinvt_el2,none,none,0,1000,0,0",
        "cowinvt_el2,none,none,0,4000000000,0,4000000000",
        "litmus.csv",
    );
    assert!(error.contains("litmus.csv line 2: 8000000000 trials"), "{error}");
    let error = bad("0,build_tables", "0,build,tables", "boot.csv");
    assert!(error.contains("boot.csv line 2"), "{error}");
}

#[test]
fn batches_out_of_order_are_refused() {
    let (_folder, path) = stored(Synthetic::default());
    replace(
        &path.join("samples.csv"),
        "xen_head_new,0,cycles,1,",
        "xen_head_new,0,cycles,9,",
    );
    match aggregate(&path).unwrap_err() {
        AggregateError::Order {
            line,
            seq,
            batch,
            after,
            ..
        } => {
            // Rows of one value each: header, then four series per batch.
            assert_eq!((line, seq.as_str(), batch, after), (13, "xen_head_new", 2, 9));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_class_that_contradicts_its_counts_is_called_out() {
    let (_folder, path) = stored(Synthetic::default());
    replace(
        &path.join("verdicts.csv"),
        "identity_el2,xen_head_new,not_observable",
        "identity_el2,xen_head_new,pass",
    );
    let warnings = aggregate(&path).unwrap().warnings.join("\n");
    assert!(
        warnings.contains("identity_el2 with xen_head_new: stored as pass, but the counts say not_observable"),
        "{warnings}"
    );
}

#[test]
fn few_batches_make_no_claim() {
    let summary = summary(Synthetic {
        iterations: 10_000,
        batch: 2000,
        ..Synthetic::default()
    });
    let new = summary.comparisons.iter().find(|c| !c.is_twin).unwrap();
    assert_eq!(new.finding, Finding::TooFewSamples { have: 5, need: 6 });
    let text = terminal::render(&summary, terminal::WIDTH);
    assert!(
        text.contains("too few samples: 5 batches paired, 6 needed for 1 comparison"),
        "{text}"
    );
}

#[test]
fn without_an_empty_frame_nothing_is_subtracted() {
    let (_folder, path) = stored(Synthetic::default());
    let samples = path.join("samples.csv");
    let text = fs::read_to_string(&samples).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("empty,")).collect();
    fs::write(&samples, kept.join("\n") + "\n").unwrap();
    let summary = aggregate(&path).unwrap();
    assert!(
        summary
            .series
            .iter()
            .all(|series| series.stats.unwrap().net == Net::NoFrame)
    );
    let new = summary.comparisons.iter().find(|c| !c.is_twin).unwrap();
    assert_eq!(
        (new.net, new.raw.unwrap().estimate, new.finding),
        (None, 6.0 / 7.0, Finding::Faster)
    );
    assert!(
        summary
            .warnings
            .iter()
            .any(|warning| warning.contains("empty frame was not measured"))
    );
}

#[test]
fn a_sequence_like_the_frame_is_below_resolution() {
    let (_folder, path) = stored(Synthetic::default());
    let samples = path.join("samples.csv");
    let text = fs::read_to_string(&samples).unwrap();
    let same: Vec<String> = text
        .lines()
        .map(|line| match line.starts_with("xen_head_new,") {
            true => line.replace(",6,2000", ",3,2000"),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&samples, same.join("\n") + "\n").unwrap();
    let summary = aggregate(&path).unwrap();
    let new = summary.comparisons.iter().find(|c| !c.is_twin).unwrap();
    assert_eq!((new.net, new.finding), (None, Finding::BelowResolution));
    let text = terminal::render(&summary, terminal::WIDTH);
    assert!(text.contains("below resolution") && !text.contains("-0"), "{text}");
}

#[test]
fn the_terminal_form() {
    let text = terminal::render(&summary(Synthetic::default()), terminal::WIDTH);
    insta::assert_snapshot!(text);
}

#[test]
fn the_terminal_form_of_a_damaged_run_in_mail() {
    let text = terminal::render(
        &summary(Synthetic {
            damaged: true,
            ..noisy()
        }),
        terminal::MAIL_WIDTH,
    );
    insta::assert_snapshot!(text);
}

#[test]
fn the_markdown_form() {
    let text = markdown::render(&summary(Synthetic { pes: 2, ..noisy() }), |file| {
        format!("plots/{file}")
    });
    insta::assert_snapshot!(text);
}

#[test]
fn no_line_is_wider_than_asked_for() {
    let runs = [
        Synthetic::default(),
        noisy(),
        Synthetic {
            pes: 2,
            damaged: true,
            ..noisy()
        },
    ];
    for (run, width) in runs
        .iter()
        .flat_map(|run| [(*run, terminal::WIDTH), (*run, terminal::MAIL_WIDTH)])
    {
        let text = terminal::render(&summary(run), width);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn every_form_carries_the_label_on_every_table_and_plot_of_numbers() {
    let summary = summary(noisy());
    let label = summary.label();
    let page = html::render(&summary, str::to_owned);
    let tree = roxmltree::Document::parse_with_options(&page, xml()).unwrap();
    let text = |node: roxmltree::Node<'_, '_>| node.descendants().filter_map(|n| n.text()).collect::<String>();
    let plots: Vec<_> = tree
        .descendants()
        .filter(|node| node.has_tag_name((SVG, "svg")))
        .collect();
    assert_eq!(
        plots.len(),
        12,
        "net and raw ratios, histogram, cumulative distribution, drift, boot phases; for a wide and for a narrow screen"
    );
    for plot in plots {
        assert!(text(plot).contains(label), "{:?}", plot.attribute("aria-label"));
    }
    // On the page it is said of all tables at once: at the top, and in a corner that stays in sight.
    for class in ["banner care", "corner"] {
        let mut of_class = tree.descendants().filter(|node| node.attribute("class") == Some(class));
        assert!(text(of_class.next().unwrap()).contains(label), "{class}");
        assert_eq!(of_class.next(), None, "{class}");
    }
    for form in [
        terminal::render(&summary, 200),
        markdown::render(&summary, str::to_owned),
    ] {
        for caption in ["Timing in", "Ratio to xen_head_old", "Boot phases"] {
            let caption = form.lines().find(|line| line.starts_with(caption)).unwrap();
            assert!(caption.contains(label), "{caption}");
        }
    }
    for (name, contents) in data::files(&summary) {
        let needs_label = contents.lines().next().unwrap().ends_with(",label");
        assert!(
            !needs_label || contents.lines().skip(1).all(|line| line.ends_with(label)),
            "{name}"
        );
    }
}

const SVG: &str = "http://www.w3.org/2000/svg";

fn xml<'a>() -> roxmltree::ParsingOptions<'a> {
    roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    }
}

#[test]
fn the_page_is_well_formed_and_self_contained() {
    for run in [
        Synthetic::default(),
        noisy(),
        Synthetic {
            damaged: true,
            pes: 2,
            more: 7,
            ..noisy()
        },
    ] {
        let page = html::render(&summary(run), |file| format!("plots/{file}"));
        let tree = roxmltree::Document::parse_with_options(&page, xml()).unwrap();
        for node in tree.descendants() {
            assert!(!["link", "img", "iframe", "object"].contains(&node.tag_name().name()));
            for attribute in node.attributes() {
                let inside = attribute.value().starts_with("plots/") || attribute.value().starts_with('#');
                let to_data = attribute.name() == "href" && inside;
                assert!(to_data || !["href", "src"].contains(&attribute.name()), "{attribute:?}");
                assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            }
        }
        // Every color comes from the style sheet, so that the dark scheme reaches it.
        for svg in tree.descendants().filter(|node| node.has_tag_name((SVG, "svg"))) {
            for attribute in svg.descendants().flat_map(|node| node.attributes()) {
                assert!(!attribute.value().starts_with('#'), "{attribute:?}");
            }
        }
    }
}

#[test]
fn text_from_the_run_is_shown_and_never_acted_on() {
    let (_folder, path) = stored(Synthetic::default());
    let attack = "</td><script>alert(1)</script>|`x`\u{1b}[2J";
    let mut proofs = fs::read_to_string(path.join("proofs.csv")).unwrap();
    proofs.push_str(&format!("{attack},false,\"{attack}\"\n"));
    fs::write(path.join("proofs.csv"), proofs).unwrap();
    replace(&path.join("run.toml"), "reproduce = \"", "reproduce = \"<script> ``` ");
    let summary = aggregate(&path).unwrap();
    let page = html::render(&summary, str::to_owned);
    assert!(page.contains("&lt;script&gt;alert(1)") && page.matches("<script").count() == 1);
    roxmltree::Document::parse_with_options(&page, xml()).unwrap();
    let text = terminal::render(&summary, terminal::WIDTH);
    assert!(!text.contains('\u{1b}') && text.contains("1 of 3 proofs FAILED"));
    assert!(
        !markdown::render(&summary, str::to_owned)
            .replace("```sh", "")
            .replace("````sh", "")
            .contains("<script>alert")
    );
}

#[test]
fn reports_are_written_beside_the_run_and_again() {
    let (_folder, path) = stored(noisy());
    let summary = aggregate(&path).unwrap();
    let paths = report::write_reports(&path, &summary).unwrap();
    let first = fs::read(&paths.html).unwrap();
    assert_eq!(report::write_reports(&path, &aggregate(&path).unwrap()).unwrap(), paths);
    assert_eq!(
        fs::read(&paths.html).unwrap(),
        first,
        "a report is reproducible to the byte"
    );
    let text = fs::read_to_string(&paths.markdown).unwrap();
    let named = text
        .split('(')
        .filter_map(|part| part.split_once(')'))
        .map(|(name, _)| name);
    let named: Vec<&str> = named.filter(|name| name.starts_with("plots/")).collect();
    assert!(named.len() >= 7, "{named:?}");
    for name in named {
        let contents = fs::read_to_string(path.join(name)).unwrap();
        if name.ends_with(".svg") {
            roxmltree::Document::parse(&contents).unwrap();
        } else {
            assert!(contents.lines().count() > 2, "{name}");
        }
    }
    assert!(
        fs::read_dir(&paths.plots)
            .unwrap()
            .all(|file| file.unwrap().path().extension().unwrap() != "new")
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (_folder, path) = stored(Synthetic::default());
    let summary = aggregate(&path).unwrap();
    fs::write(path.join("plots"), "in the way").unwrap();
    let error = report::write_reports(&path, &summary).unwrap_err().to_string();
    assert!(error.starts_with("cannot write") && error.contains("plots"), "{error}");
}

#[test]
fn fifty_sequences_make_a_page_below_two_megabytes() {
    let summary = summary(Synthetic { more: 46, ..noisy() });
    assert_eq!(summary.series.len(), 50);
    let page = html::render(&summary, str::to_owned);
    assert!(page.len() < 2_000_000, "{}", page.len());
}

/// Every run in the repository, and one of each older version, which may know no scenarios.
#[test]
fn stored_runs_of_every_version_can_be_read() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../results/runs", "tests/runs"].map(|folder| fs::read_dir(here.join(folder)).unwrap());
    let mut versions = std::collections::BTreeSet::new();
    for entry in folders.into_iter().flatten() {
        let folder = entry.unwrap().path();
        if !folder.join("run.toml").exists() {
            continue;
        }
        let summary = aggregate(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        assert!(
            !summary.checks.is_empty() || !summary.series.is_empty(),
            "{}",
            folder.display()
        );
        versions.insert(summary.manifest.schema);
    }
    assert!(versions.iter().copied().eq(1..=SCHEMA_VERSION), "{versions:?}");
}
