// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every part of a report, in every form.
#![allow(missing_docs)]

#[path = "support/example.rs"]
mod example;

use report::document::{Block, Document, Section};
use report::index::{self, Entry};
use report::matrix::{Mark, Matrix};
use report::model::{CheckRow, Fate, Summary};
use report::table::{Cell, Table, Tone};
use report::{data, html, mail, markdown, terminal, write_comparison, write_reports};
use results::manifest::{EMULATOR_LABEL, HARDWARE_LABEL, LOG_LABEL};
use results::verdict::Class;
use roxmltree::Node;

const SVG: &str = "http://www.w3.org/2000/svg";
const HOSTILE: &str = "</script><script>alert('1')</script>\"&]]>`|\u{1b}[2J\u{202e}";

fn everything() -> Summary {
    example::run("run_a", "qemu_cortex_a72", 2, 3)
}

fn parse(page: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    roxmltree::Document::parse_with_options(page, options).unwrap()
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

/// Asserts what holds for every page: well-formed, nothing to load, one script that the policy knows, no repeated ids.
fn assert_sound(page: &str) {
    let tree = parse(page);
    let elements = || tree.descendants().filter(Node::is_element);
    let of = |name: &'static str| elements().filter(move |node| node.tag_name().name() == name);
    for name in ["link", "img", "iframe", "object", "embed", "base", "form"] {
        assert_eq!(of(name).count(), 0, "{name}");
    }
    assert_eq!(of("script").count(), 1);
    for node in elements() {
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(
                name != "src" && name != "style" && !name.starts_with("on"),
                "{attribute:?}"
            );
            let outside = value.contains(':') || value.starts_with('/');
            assert!(name != "href" || !outside, "{attribute:?}");
            assert!(
                !value.starts_with('#') || name == "href",
                "colors come from the style sheet: {attribute:?}"
            );
        }
    }
    let mut ids: Vec<&str> = elements().filter_map(|node| node.attribute("id")).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for link in of("a").filter_map(|node| node.attribute("href")?.strip_prefix('#')) {
        assert!(ids.contains(&link), "{link}");
    }
    // Names for those who hear the page.
    for svg in of("svg") {
        assert!(svg.attribute("aria-label").is_some_and(|label| !label.is_empty()));
        assert_eq!(svg.attribute("role"), Some("img"));
    }
    for table in of("table") {
        let heads = || {
            table
                .descendants()
                .filter(|node| node.has_tag_name("th") || node.tag_name().name() == "th")
        };
        assert!(heads().count() > 0 && heads().all(|head| head.attribute("scope").is_some()));
        let columns = heads().filter(|head| head.attribute("scope") == Some("col")).count();
        for row in table.descendants().filter(|node| node.tag_name().name() == "tr") {
            assert_eq!(
                row.children().filter(Node::is_element).count(),
                columns,
                "{:?}",
                text(row)
            );
        }
    }
    for figure in of("figure") {
        assert_eq!(text(figure).matches("Data (CSV)").count(), 1);
    }
}

#[test]
fn the_page_has_every_part_and_is_sound() {
    let summary = everything();
    let page = html::render(&summary, |file| format!("plots/{file}"));
    assert_sound(&page);
    let tree = parse(&page);
    let headings: Vec<String> = tree
        .descendants()
        .filter(|n| n.tag_name().name() == "h2")
        .map(text)
        .collect();
    let all = [
        "Break-even",
        "Mutants",
        "Conditions",
        "Sequences",
        "Timing",
        "Checks",
        "Boot",
        "Machine",
        "Stream",
        "Method",
        "Reproduce",
    ];
    assert_eq!(headings, all);
    let plots: Vec<_> = tree
        .descendants()
        .filter(|node| node.has_tag_name((SVG, "svg")))
        .collect();
    for plot in &plots {
        assert!(
            text(*plot).contains(summary.label()),
            "{:?}",
            plot.attribute("aria-label")
        );
        assert!(!text(*plot).contains("not drawn"), "{}", text(*plot));
    }
    // Every plot is there for a wide screen and for a narrow one.
    let of_class = |plot: &&Node<'_, '_>, class: &str| plot.attribute("class") == Some(class);
    let wide = || plots.iter().filter(|plot| of_class(plot, "plot wide"));
    assert_eq!(wide().count() * 2, plots.len());
    assert_eq!(
        plots.iter().filter(|plot| of_class(plot, "plot narrow")).count(),
        wide().count()
    );
    let titled = |title: &str| wide().filter(|plot| text(**plot).contains(title)).count();
    // One of each for both PEs where PEs differ.
    assert_eq!(titled("Ratio of net medians"), 2);
    assert_eq!(titled("Ratio of raw medians"), 2);
    assert_eq!(titled("Batch medians over the run"), 2);
    assert_eq!(titled("Cost by TLBIs before the DSB"), 1);
    assert_eq!(titled("Cost by pages touched before"), 1);
    assert_eq!(titled("Cost by other PEs, loading"), 1);
    assert_eq!(titled("Cost by pages, "), 2);
    assert_eq!(titled("Frequency of the cycle counter"), 1);
    assert_eq!(titled("Boot phases, in order"), 1);
    let pes: Vec<&str> = tree
        .descendants()
        .filter_map(|node| node.attribute("data-pe"))
        .collect();
    assert!(pes.contains(&"0") && pes.contains(&"1"));
}

#[test]
#[ignore = "asserts nothing: writes pages to look at into target/tmp"]
fn pages_to_look_at() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    write_reports(&folder.join("one"), &everything()).unwrap();
    let runs = [
        example::run("run_a", "qemu_cortex_a72", 1, 1),
        example::on_hardware("board", "rpi4"),
        example::run("run_b", "qemu_cortex_a53", 1, 0),
    ];
    write_comparison(&folder.join("several"), &runs, &["run_c: cut short".to_owned()], |_| {
        String::new()
    })
    .unwrap();
}

#[test]
fn the_policy_allows_this_script_and_no_other() {
    let page = html::render(&everything(), str::to_owned);
    let (start, end) = (page.find("<script>").unwrap() + 8, page.find("</script>").unwrap());
    use sha2::Digest;
    let hash = data_encoding::BASE64.encode(&sha2::Sha256::digest(&page.as_bytes()[start..end]));
    let tree = parse(&page);
    let policy = tree
        .descendants()
        .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"))
        .and_then(|node| node.attribute("content"))
        .unwrap();
    assert!(policy.contains(&format!("script-src 'sha256-{hash}'")), "{policy}");
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("script-src 'unsafe"),
        "{policy}"
    );
}

#[test]
fn a_matrix_tells_classes_apart_without_color() {
    let page = html::render(&everything(), str::to_owned);
    let tree = parse(&page);
    let matrix = tree
        .descendants()
        .find(|node| {
            node.attribute("class") == Some("matrix")
                && node.attribute("aria-label") == Some("Checks by sequence, what needs a look first")
        })
        .unwrap();
    let cells: Vec<(String, &str)> = matrix
        .descendants()
        .filter_map(|node| {
            Some((
                text(node),
                node.attribute("aria-label")
                    .filter(|_| node.tag_name().name() == "td")?,
            ))
        })
        .collect();
    for pair in [("✓", "pass"), ("✗", "FAIL"), ("○", "not observable"), ("–", "skipped")] {
        assert!(
            cells.iter().any(|(sign, words)| (sign.as_str(), *words) == pair),
            "{pair:?}: {cells:?}"
        );
    }
    assert!(page.contains("✓ pass, ✗ FAIL, ○ not observable, – skipped; empty: not run together."));
}

#[test]
fn every_plot_has_its_data_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let summary = everything();
    let paths = write_reports(folder.path(), &summary).unwrap();
    let page = std::fs::read_to_string(&paths.html).unwrap();
    let tree = parse(&page);
    let links: Vec<&str> = tree
        .descendants()
        .filter(|node| text(*node) == "Data (CSV)")
        .filter_map(|node| node.attribute("href"))
        .collect();
    assert!(links.len() > 10);
    for link in links {
        let contents = std::fs::read_to_string(folder.path().join(link)).unwrap();
        assert!(contents.lines().count() > 1, "{link}");
        let columns = contents.lines().next().unwrap().split(',').count();
        let mut rows = csv::Reader::from_reader(contents.as_bytes());
        assert!(rows.records().all(|row| row.unwrap().len() == columns), "{link}");
    }
    let text = std::fs::read_to_string(&paths.markdown).unwrap();
    for name in text
        .split("](")
        .skip(1)
        .filter_map(|part| part.split_once(')'))
        .map(|(name, _)| name)
    {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn lines_through_sweeps_are_said_in_words() {
    let text = terminal::render(&everything(), terminal::WIDTH);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "old: each further TLBI before the DSB costs 31 cycles [30.4, 31.6]; completion without any would cost \
                 900 cycles [895, 905] (line fitted in 50 batches).";
    assert!(text.contains(words), "{text}");
    // Nothing is said about a cost that cannot be told from 0, and no negative cost is given as one.
    let of = |low: f64, high: f64| {
        let mut summary = everything();
        let fit = summary.sweeps[0].fit.as_mut().unwrap();
        (fit.intercept, fit.intercept_interval) = ((low + high) / 2.0, example::interval(low, high));
        let text = terminal::render(&summary, terminal::WIDTH);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(of(-30.0, 10.0).contains("what completion alone costs cannot be told from 0 (-10 cycles [-30, 10])"));
    assert!(of(-30.0, -10.0).contains("the line would start below 0, at -20 cycles [-30, -10], so the cost is not"));
    assert!(text.contains("Break-even (local), by VA: cheaper up to 32 pages; the full flush wins from 64 on ["));
}

#[test]
fn conditions_are_held_against_the_baseline() {
    let text = terminal::render(&everything(), terminal::WIDTH);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "new beside old on PE 0, 14 conditions: lower under 8 (live_0: ratio 0.9000 [0.8980, 0.9020], A/A noise floor 1.0%; ",
        "; 4 more), indistinguishable under 6 [",
        "The slope beside that of old: lower (ratio 0.9840 [0.9820, 0.9860], A/A noise floor 1.0%).",
        "new (PE 0): the refill beside that of old, 64 pages: higher (ratio 1.0500 [1.0480, 1.0520], A/A noise floor 1.0%).",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let page = html::render(&everything(), str::to_owned);
    assert!(page.contains("Net ratio to old by TLBIs before the DSB"));
    // Many sequences get a line in a table each.
    let mut many = everything();
    for copy in 0..5 {
        let mut sweep = many.sweeps[1].clone();
        sweep.seq = format!("new_{copy}");
        many.sweeps.push(sweep);
    }
    let text = terminal::render(&many, terminal::WIDTH);
    let row = text.lines().find(|line| line.starts_with("new_3 (PE 0)")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().skip(3).collect();
    assert_eq!(
        cells,
        ["5", "0", "3", "2", "tlbis_1", "0.9200", "[0.9180,", "0.9220]"],
        "{text}"
    );
}

#[test]
fn the_score_counts_mistakes_only() {
    let text = terminal::render(&everything(), terminal::WIDTH);
    let words = "Mutants on qemu_cortex_a72, QEMU 7.2.22: 2 of 4 mistakes caught by the run (50.0%), 2 not caught; 1\n\
                 survives both run and judge; 1 DISAGREEMENT between run and judge.";
    assert!(text.contains(words), "{text}");
}

/// A run as `check --mutants` stores it: all that is checked are mutants.
fn of_mutants() -> Summary {
    let mut summary = everything();
    summary.series.clear();
    summary.comparisons.clear();
    summary.break_even.clear();
    summary.manifest.plan.iterations = 0;
    let mut check = summary.checks.remove(0);
    assert!(check.bad_control.is_some_and(|outcomes| outcomes.stale > 0));
    summary.checks.clear();
    check.id = "cowinvt_el2".to_owned();
    let template = check.rows[0].clone();
    check.rows.clear();
    summary.manifest.plan.sequences.truncate(1);
    for (index, mutant) in summary.mutants.iter().enumerate() {
        let id = format!("b0_{index}");
        let class = match mutant.fate {
            Fate::CaughtByRun | Fate::Disagreement => Class::Fail,
            Fate::Skipped => Class::Skipped,
            Fate::CaughtByJudge | Fate::Survived | Fate::Equivalent => Class::Pass,
        };
        let seq = id.clone();
        check.rows.push(CheckRow {
            seq,
            class,
            ..template.clone()
        });
        let mut sequence = summary.manifest.plan.sequences[0].clone();
        (sequence.id, sequence.text) = (id, mutant.sequence.clone());
        summary.manifest.plan.sequences.push(sequence);
    }
    summary.checks.push(check);
    summary
}

#[test]
fn a_mutant_that_is_caught_is_no_failure() {
    let mut summary = of_mutants();
    for form in [
        terminal::render(&summary, terminal::WIDTH),
        markdown::render(&summary, str::to_owned),
        mail::render(&summary),
        html::render(&summary, str::to_owned),
    ] {
        assert!(form.contains("2 of 4 mistakes caught by the"), "{form}");
        for word in ["FAIL", "No check was made", "No timed sample"] {
            assert!(!form.contains(word), "{word}: {form}");
        }
    }
    let page = html::render(&summary, str::to_owned);
    for pair in [
        ("\u{25cf}", "caught"),
        ("\u{25cb}", "not caught"),
        ("=", "no mistake"),
        ("!", "DISAGREEMENT"),
    ] {
        let (sign, words) = pair;
        assert!(
            page.contains(&format!("title=\"{words}\" aria-label=\"{words}\">{sign}</td>")),
            "{pair:?}"
        );
    }
    let text = terminal::render(&summary, terminal::WIDTH);
    let (mutants, checks) = (text.find("== Mutants ==").unwrap(), text.find("== Checks ==").unwrap());
    assert!(mutants < checks && !text.contains("== Sequences =="), "{text}");
    // Without power nothing can be caught, and that is another thing than not being caught.
    let check = &mut summary.checks[0];
    for control in [&mut check.bad_control, &mut check.no_tlbi].into_iter().flatten() {
        (control.stale, control.fault) = (0, control.stale);
    }
    assert!(terminal::render(&summary, terminal::WIDTH).contains("(50.0%), 2 no power; 1"));
    let entry = Entry {
        name: summary.name.clone(),
        link: String::new(),
        run: Ok(summary),
    };
    let index = terminal::page(&index::document(&[entry]), 200);
    assert!(
        index.contains("1 DISAGREEMENT, 2 of 4 mistakes caught") && !index.contains("FAIL"),
        "{index}"
    );
}

#[test]
fn many_comparisons_are_counted_in_one_sentence() {
    let mut summary = example::run("many", "qemu_cortex_a72", 1, 12);
    // Where there is one, it is the sentence.
    summary.break_even.clear();
    assert!(summary.comparisons.iter().filter(|c| !c.is_twin).count() > 4);
    let lines = report::document::headline(&summary);
    let start = "13 comparisons with old: 1 lower (most: new, ratio 0.930 [0.910, 0.950]), 12 indistinguishable; A/A noise \
                 floor 2.1% [QEMU TCG: not hardware timing].";
    assert!(lines.contains(&start.to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("beside")), "{lines:?}");
}

#[test]
fn several_runs_begin_with_what_they_say_together() {
    let runs = [
        example::run("a", "qemu_cortex_a72", 1, 0),
        example::run("b", "qemu_cortex_a53", 1, 0),
        example::on_hardware("board", "rpi4"),
    ];
    let text = terminal::page(&Document::of_runs(&runs, &[], |_| String::new()), 1000);
    let simulated = "new / old: lower in all 2 comparisons (all intervals of the ratio lie in [0.9100, 0.9500]; A/A noise floor \
                     up to 2.1%) [QEMU TCG: not hardware timing].\n";
    assert!(text.contains(simulated), "{text}");
    // What hardware counts has a sentence of its own, without the label.
    let hardware = text
        .lines()
        .find(|line| line.starts_with("new / old") && !line.contains("QEMU"));
    assert!(hardware.is_some_and(|line| line.contains("A/A noise floor")), "{text}");
    let first_table = text.find("== Runs ==").unwrap();
    assert!(text.find(simulated).unwrap() < first_table);
}

#[test]
fn the_mail_of_several_runs_is_one_mail() {
    let mut runs: Vec<Summary> = (0..15)
        .map(|n| example::run(&format!("run_{n}"), &format!("machine_{n}"), 1, 0))
        .collect();
    runs[3]
        .reservations
        .push("the log stops before the end line".to_owned());
    let text = mail::render_runs(&runs, &["results/runs/x: cannot be read".to_owned()]);
    assert!(
        text.is_ascii() && text.lines().all(|line| line.len() <= terminal::MAIL_WIDTH),
        "{text}"
    );
    for words in [
        "Counts:  QEMU TCG: not hardware timing",
        "1 run UNREADABLE",
        "results/runs/x: cannot be read",
        "run_3: the log stops before the end line",
        "new / old: lower in all 15 comparisons",
        "Mutants ran on 12 further machines.",
        "run_11",
        "and 3 more",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // What they say together is read before what each of them says.
    assert!(text.find("new / old: lower in all").unwrap() < text.find("run_11").unwrap());
    runs.iter_mut().for_each(|run| run.mutants.clear());
    let text = mail::render_runs(&runs, &[]);
    assert!(text.lines().count() < 60, "{text}");
    // Without timing there is no column for it, and what failed is not among those that are left out.
    for run in &mut runs {
        run.series.clear();
        run.comparisons.clear();
        run.checks
            .retain(|check| run.name == "run_14" || check.rows.iter().all(|row| row.class != Class::Fail));
    }
    runs[3].reservations.clear();
    let text = mail::render_runs(&runs, &[]);
    assert!(!text.contains("ratio") && !text.contains("no timing"), "{text}");
    let rows = text.split("Every run and its checks").nth(1).unwrap();
    let first: Vec<&str> = rows.lines().nth(3).unwrap().split_whitespace().take(3).collect();
    assert_eq!(first, ["run_14", "1", "FAIL,"], "{text}");
}

#[test]
fn what_a_simulator_counts_is_neither_good_nor_bad_news() {
    let tones = |word: &str, runs: &[Summary]| {
        let document = Document::of_runs(runs, &[], |_| String::new());
        let blocks = document.sections.iter().flat_map(|section| section.blocks().cloned());
        let cells = blocks.filter_map(|block| match block {
            Block::Table(table) => Some(table.rows.into_iter().flatten().collect::<Vec<_>>()),
            _ => None,
        });
        let found = cells.flatten().filter(|cell| cell.text == word);
        found.map(|cell| cell.tone).collect::<Vec<_>>()
    };
    let simulated = [example::run("a", "m", 1, 0), example::run("b", "n", 1, 0)];
    assert_eq!(tones("lower", &simulated), [Tone::Plain; 2]);
    assert_eq!(tones("faster", &simulated), []);
    assert_eq!(tones("faster", &[example::on_hardware("board", "rpi4")]), [Tone::Good]);
}

#[test]
fn numbers_stay_whole_in_a_terminal() {
    let long = "0.99973 [0.99956, 0.99979]";
    let mut table = Table::new(
        "t",
        &["sequence", ">net ratio", ">raw ratio", ">noise floor", "finding"],
    );
    table.row(
        [
            "xen_head_old_aa",
            long,
            long,
            "2.3%",
            "within the noise floor, all of it",
        ]
        .map(Cell::from),
    );
    let text = terminal::table(&table, 100);
    assert!(text.contains(&format!("{long}  {long}")), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    // Where numbers alone are too wide, the width is what counts.
    let text = terminal::table(&table, 50);
    assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
}

#[test]
fn columns_of_a_matrix_that_do_not_fit_are_numbered() {
    let mark = Mark {
        sign: "x".to_owned(),
        tone: Tone::Plain,
        words: "seen".to_owned(),
    };
    let names: Vec<String> = (0..9).map(|n| format!("a_machine_with_a_long_name_{n}")).collect();
    let section = |columns: &[String]| {
        let matrix = Block::Matrix(Matrix {
            caption: "m".to_owned(),
            label: None,
            corner: "check".to_owned(),
            columns: columns.to_vec(),
            rows: vec![("c".to_owned(), vec![Some(mark.clone()); columns.len()])],
            data: data::CHECKS,
        });
        Section::open("", (vec![matrix], Vec::new()))
    };
    let of = |columns: &[String]| {
        let document = Document {
            title: String::new(),
            subtitle: String::new(),
            label: None,
            sections: vec![section(columns)],
        };
        terminal::page(&document, 80)
    };
    let text = of(&names);
    assert!(text.contains("\ncheck  1  2  3  4  5  6  7  8  9\n"), "{text}");
    assert!(text.contains("\n   9  a_machine_with_a_long_name_8\n"), "{text}");
    assert!(of(&names[..2]).contains("check  a_machine_with_a_long_name_0  a_machine_with_a_long_name_1"));
}

#[test]
fn long_tables_for_looking_up_are_folded_and_say_how_long_they_are() {
    let mut summary = everything();
    let row = summary.checks[0].rows[0].clone();
    summary.checks[0].rows.extend((0..40).map(|index| CheckRow {
        seq: format!("more_{index}"),
        ..row.clone()
    }));
    let rows: usize = summary.checks.iter().map(|check| check.rows.len() + 3).sum();
    let page = html::render(&summary, str::to_owned);
    assert_sound(&page);
    let words = format!("Outcomes of every trial, per check, with its controls, {rows} rows");
    assert!(page.contains(&format!("<details class=\"fold\"><summary>{words}</summary>")));
    let markdown = markdown::render(&summary, str::to_owned);
    assert!(markdown.contains(&format!("<details><summary>{words}</summary>\n\n| check |")));
    assert!(!html::render(&everything(), str::to_owned).contains("<summary>Outcomes of every trial"));
}

#[test]
fn hardware_and_simulators_never_share_a_plot() {
    let runs = [
        example::run("run_a", "qemu_cortex_a72", 1, 1),
        example::on_hardware("board", "rpi4"),
        example::run("run_b", "qemu_cortex_a53", 1, 0),
    ];
    let document = Document::of_runs(&runs, &[], |run| format!("../{}/report.html", run.name));
    let page = html::page(&document, |file| format!("plots/{file}"));
    assert_sound(&page);
    let tree = parse(&page);
    let plots: Vec<String> = tree
        .descendants()
        .filter(|n| n.has_tag_name((SVG, "svg")))
        .map(text)
        .collect();
    assert!(plots.iter().any(|plot| plot.contains("rpi4")));
    for plot in plots {
        let (hardware, simulated) = (plot.contains("rpi4"), plot.contains("qemu_"));
        assert!(hardware != simulated, "{plot}");
        assert_eq!(simulated, plot.contains("not hardware timing"), "{plot}");
    }
    for table in document
        .sections
        .iter()
        .flat_map(|s| s.blocks())
        .filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    {
        let has = |words: &str| table.rows.iter().flatten().any(|cell| cell.text.contains(words));
        match table.label.as_deref() {
            Some(HARDWARE_LABEL) => assert!(!has("qemu_"), "{}", table.caption),
            Some(_) => assert!(!has("rpi4"), "{}", table.caption),
            // The list of runs says it row by row.
            None => assert!(table.columns.iter().any(|(name, _)| name == "counts") || !has("qemu_") || has("drop")),
        }
    }
    for form in [
        terminal::page(&document, terminal::WIDTH),
        markdown::page(&document, str::to_owned),
    ] {
        for words in [
            "rpi4",
            "qemu_cortex_a53, QEMU 7.2.22",
            "not hardware timing",
            "new / old",
        ] {
            assert!(form.contains(words), "{words}: {form}");
        }
    }
}

#[test]
fn runs_of_one_machine_are_named_apart_and_their_mutants_counted_once() {
    let runs = [example::run("first", "m", 1, 0), example::run("second", "m", 1, 0)];
    let document = Document::of_runs(&runs, &[], |_| String::new());
    let text = terminal::page(&document, terminal::WIDTH);
    assert!(
        text.contains("m, QEMU 7.2.22 (first)") && text.contains("m, QEMU 7.2.22 (second)"),
        "{text}"
    );
    assert!(
        text.contains("Mutants on m, QEMU 7.2.22: 2 of 4 mistakes caught by the run"),
        "{text}"
    );
}

#[test]
fn the_report_of_several_runs_has_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [everything(), example::on_hardware("board", "rpi4")];
    let paths = write_comparison(folder.path(), &runs, &[], |_| String::new()).unwrap();
    let ratios = std::fs::read_to_string(paths.plots.join(data::RATIOS)).unwrap();
    assert!(ratios.starts_with("run,seq,baseline,") && ratios.contains("\nrun_a,") && ratios.contains("\nboard,"));
    let text = std::fs::read_to_string(&paths.markdown).unwrap();
    for name in text
        .split("](")
        .skip(1)
        .filter_map(|part| part.split_once(')'))
        .map(|(name, _)| name)
    {
        assert!(
            name.is_empty() || name == "<>" || folder.path().join(name).is_file(),
            "{name}"
        );
    }
}

/// One name for a board and its model in an emulator does not put them into one row, and hardware comes first.
#[test]
fn the_index_never_puts_a_processor_and_a_simulator_into_one_row() {
    let board = example::on_hardware("board", "rpi4");
    let mut model = board.clone();
    model.manifest.simulator = true;
    EMULATOR_LABEL.clone_into(&mut model.manifest.label);
    let mut unstated = board.clone();
    LOG_LABEL.clone_into(&mut unstated.manifest.label);
    let entry = |name: &str, run: &Summary| Entry {
        name: name.to_owned(),
        link: String::new(),
        run: Ok(run.clone()),
    };
    let entries = [
        entry("a", &model),
        entry("b", &unstated),
        entry("c", &board),
        entry("d", &board),
    ];
    let page = terminal::page(&index::document(&entries), 200);
    let machines: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.contains("Machines"))
        .skip_while(|line| !line.contains("HARDWARE"))
        .take(3)
        .map(|line| line.split_whitespace().collect())
        .collect();
    let begin: Vec<&str> = machines.iter().map(|row| row[0]).collect();
    assert_eq!(begin, ["HARDWARE", "not", "simulator"], "{page}");
    let runs: Vec<&str> = machines.iter().map(|row| row[row.len() - 2]).collect();
    assert_eq!(runs, ["2", "1", "1"], "{page}");
}

#[test]
fn the_index_shows_a_trend_for_every_machine_and_version() {
    let entry = |name: &str, started: &str, version: &str, factor: f64| {
        let mut run = example::run(name, "qemu_cortex_a72", 1, 0);
        run.manifest.started = started.to_owned();
        run.manifest.qemu.as_mut().unwrap().version = version.to_owned();
        for c in &mut run.comparisons {
            if let (false, Some(net)) = (c.is_twin, c.net.as_mut()) {
                net.estimate *= factor;
                net.interval = example::interval(net.estimate * 0.99, net.estimate * 1.01);
            }
        }
        index::Entry {
            name: name.to_owned(),
            link: String::new(),
            run: Ok(run),
        }
    };
    let entries = [
        // Not in the order of time.
        entry("d", "2026-11-04", "7.2", 1.5),
        entry("a", "2026-11-01", "7.2", 1.0),
        entry("b", "2026-11-02", "7.2", 1.001),
        entry("c", "2026-11-03", "7.2", 1.0),
        entry("e", "2026-11-01", "10.0", 1.0),
        entry("f", "2026-11-02", "10.0", 1.0),
        entry("g", "2026-11-03", "10.0", 1.0),
        // Too few to say anything.
        entry("h", "2026-11-03", "9.0", 1.0),
    ];
    let page = html::page(&index::document(&entries), str::to_owned);
    assert_sound(&page);
    let tree = parse(&page);
    let rows: Vec<String> = tree
        .descendants()
        .filter(|node| {
            let label = node.attribute("aria-label");
            node.tag_name().name() == "table" && label.is_some_and(|label| label.starts_with("Trends:"))
        })
        .flat_map(|table| {
            table
                .descendants()
                .filter(|node| node.tag_name().name() == "tr")
                .skip(1)
        })
        .map(text)
        .collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains("QEMU 7.2") && rows[0].ends_with("MOVED"), "{rows:?}");
    assert!(
        rows[1].contains("QEMU 10.0") && rows[1].ends_with("as before"),
        "{rows:?}"
    );
    let data = index::data(&entries);
    let runs: Vec<&str> = data
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(5).unwrap())
        .collect();
    assert_eq!(runs.len(), 7, "{data}");
}

#[test]
fn the_index_has_a_row_for_every_run_that_can_be_read_or_not() {
    let mut older = example::on_hardware("board", "rpi4");
    older.manifest.started = "2026-11-20T00:00:00Z".to_owned();
    let entry = |name: &str, run| Entry {
        name: name.to_owned(),
        link: format!("runs/{name}/report.html"),
        run,
    };
    let entries = [
        entry("board", Ok(older)),
        entry("broken", Err("run.toml: no such key".to_owned())),
        entry("run_a", Ok(everything())),
    ];
    let document = index::document(&entries);
    let page = html::page(&document, str::to_owned);
    assert_sound(&page);
    let tree = parse(&page);
    let links: Vec<&str> = tree.descendants().filter_map(|node| node.attribute("href")).collect();
    assert_eq!(
        links,
        [
            "runs/run_a/report.html",
            "runs/board/report.html",
            "runs/broken/report.html"
        ]
    );
    for words in [
        "unreadable: run.toml: no such key",
        "3 runs, 1 of them unreadable",
        "1 FAIL, 3 pass",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(html::page(&index::document(&[]), str::to_owned).contains("There are no runs here yet."));
}

#[test]
fn the_form_for_mail() {
    let text = mail::render(&example::run("run_a", "qemu_cortex_a72", 1, 2));
    assert!(text.is_ascii());
    assert!(
        text.lines()
            .all(|line| line.len() <= terminal::MAIL_WIDTH || line.contains("--sequence")),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_mail_with_many_sequences_stays_short() {
    let text = mail::render(&example::run("run_a", "qemu_cortex_a72", 1, 48));
    assert!(text.contains("and 38 more") && text.lines().count() < 60, "{text}");
}

#[test]
fn whatever_a_name_holds_it_stays_a_name() {
    let mut summary = everything();
    summary.name = HOSTILE.to_owned();
    summary.manifest.machine = HOSTILE.to_owned();
    summary.manifest.label = HOSTILE.to_owned();
    summary.manifest.reproduce = HOSTILE.to_owned();
    for series in &mut summary.series {
        series.seq.push_str(HOSTILE);
    }
    for comparison in &mut summary.comparisons {
        comparison.seq.push_str(HOSTILE);
    }
    for sweep in &mut summary.sweeps {
        sweep.seq.push_str(HOSTILE);
        sweep.base = HOSTILE.to_owned();
    }
    for check in &mut summary.checks {
        check.id.push_str(HOSTILE);
        check.rows[0].seq = HOSTILE.to_owned();
    }
    for mutant in &mut summary.mutants {
        mutant.kind.push_str(HOSTILE);
        mutant.sequence = HOSTILE.to_owned();
    }
    summary.boot[0].phase = HOSTILE.to_owned();
    summary.break_even[0].ways[0].name = HOSTILE.to_owned();
    let runs = [summary.clone()];
    let several = Document::of_runs(&runs, &[], |_| HOSTILE.to_owned());
    let entry = Entry {
        name: HOSTILE.to_owned(),
        link: "x".to_owned(),
        run: Err(HOSTILE.to_owned()),
    };
    for page in [
        html::render(&summary, str::to_owned),
        html::page(&index::document(&[entry]), str::to_owned),
    ] {
        assert_sound(&page);
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"));
    }
    let page = html::page(&several, str::to_owned);
    assert!(!page.contains("<script>alert"));
    parse(&page);
    for text in [
        terminal::render(&summary, terminal::WIDTH),
        terminal::page(&several, terminal::WIDTH),
        mail::render(&summary),
    ] {
        assert!(!text.contains('\u{1b}'));
    }
    let text = markdown::render(&summary, str::to_owned);
    let text = text.split("```").step_by(2).collect::<String>();
    assert!(!text.contains("<script>"));
    for (name, contents) in data::files(&summary) {
        let mut rows = csv::Reader::from_reader(contents.as_bytes());
        assert!(rows.records().all(|row| row.is_ok()), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    write_reports(folder.path(), &summary).unwrap();
}

#[test]
fn a_run_without_anything_still_has_a_report() {
    let mut summary = example::run("empty", "m", 0, 0);
    summary.boot.clear();
    summary.proofs.clear();
    summary.checks.clear();
    summary.sweeps.clear();
    summary.refills.clear();
    summary.events.clear();
    summary.not_counted.clear();
    summary.clocks.clear();
    summary.break_even.clear();
    summary.mutants.clear();
    let page = html::render(&summary, str::to_owned);
    assert_sound(&page);
    assert!(page.contains("No timed sample arrived.") && !page.contains("<svg"));
    assert!(mail::render(&summary).contains("No check was made."));
    assert_sound(&html::page(
        &Document::of_runs(&[summary], &[], |_| String::new()),
        str::to_owned,
    ));
    assert_sound(&html::page(
        &Document::of_runs(&[], &["gone: no such run".to_owned()], |_| String::new()),
        str::to_owned,
    ));
}

#[test]
fn fifty_sequences_on_two_pes_fit_a_page() {
    let page = html::render(&example::run("large", "qemu_cortex_a72", 2, 47), str::to_owned);
    // Every plot twice, for a wide and for a narrow screen.
    assert!(page.len() < 3_000_000, "{}", page.len());
    assert_sound(&page);
}
