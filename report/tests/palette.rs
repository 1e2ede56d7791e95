// SPDX-License-Identifier: MIT OR Apache-2.0
//! The colors of the report, by number: contrast (WCAG 2.1) in both schemes, and series that can be told apart without
//! full color vision.
#![allow(missing_docs)]

use std::collections::BTreeMap;

const STYLES: [&str; 2] = [
    include_str!("../src/plot/plot.css"),
    include_str!("../src/html/page.css"),
];
/// Text (WCAG 2.1, 1.4.3, level AA).
const TEXT: f64 = 4.5;
/// What is needed to understand a picture (1.4.11).
const GRAPHICS: f64 = 3.0;

type Rgb = [f64; 3];

/// Returns the colors by name: those of the light scheme, or these with the ones that dark exchanges.
fn scheme(dark: bool) -> BTreeMap<String, Rgb> {
    let mut colors = BTreeMap::new();
    for style in STYLES {
        let (light, rest) = style
            .split_once("@media screen and (prefers-color-scheme: dark)")
            .unwrap();
        let (dark_part, _) = rest.split_once("\n}").unwrap();
        let parts = if dark { vec![light, dark_part] } else { vec![light] };
        for declaration in parts.iter().flat_map(|part| part.split(['{', '}', ';'])) {
            let Some((name, value)) = declaration.split_once(':') else {
                continue;
            };
            let (Some(name), Some(hex)) = (name.trim().strip_prefix("--"), value.trim().strip_prefix('#')) else {
                continue;
            };
            let channel = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            colors.insert(name.to_owned(), [channel(0), channel(2), channel(4)]);
        }
    }
    colors
}

fn linear(color: Rgb) -> Rgb {
    color.map(|c| {
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    })
}

fn luminance(color: Rgb) -> f64 {
    let [r, g, b] = linear(color);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_and_lines_stand_out_in_both_schemes() {
    for dark in [false, true] {
        let colors = scheme(dark);
        for (names, behind, least) in [
            (&["ink", "muted", "good", "bad", "care", "link"][..], "page", TEXT),
            (&["ink", "muted", "good", "bad", "care", "link"][..], "panel", TEXT),
            (&["s0", "s1", "s2", "s3", "band"][..], "page", GRAPHICS),
        ] {
            for name in names {
                let contrast = contrast(colors[*name], colors[behind]);
                assert!(contrast >= least, "--{name} on --{behind}, dark {dark}: {contrast:.2}");
            }
        }
    }
}

/// Dichromatic vision, severity 1.0 (Machado, Oliveira and Fernandes 2009, table 1), on linear RGB.
const VISIONS: [(&str, [Rgb; 3]); 4] = [
    ("full", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// Returns a color in CIE L*a*b* (D65) as somebody sees it.
fn lab(color: Rgb, vision: &[Rgb; 3]) -> Rgb {
    let rgb = linear(color);
    let seen = vision.map(|row| row.iter().zip(rgb).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0));
    let [r, g, b] = seen;
    let xyz = [
        (0.412_4 * r + 0.357_6 * g + 0.180_5 * b) / 0.950_47,
        0.212_6 * r + 0.715_2 * g + 0.072_2 * b,
        (0.019_3 * r + 0.119_2 * g + 0.950_5 * b) / 1.088_83,
    ];
    let [x, y, z] = xyz.map(|t: f64| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn series_differ_for_every_kind_of_color_vision() {
    for dark in [false, true] {
        let colors = scheme(dark);
        for (name, vision) in &VISIONS {
            for a in 0..4 {
                for b in a + 1..4 {
                    let [p, q] = [a, b].map(|index| lab(colors[&format!("s{index}")], vision));
                    let distance = p.iter().zip(q).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt();
                    // Just noticeable is about 2.3; dashes and legends do the rest.
                    assert!(distance > 10.0, "s{a} and s{b}, {name}, dark {dark}: {distance:.1}");
                }
            }
        }
    }
}

#[test]
fn series_differ_without_any_color() {
    let dashes: Vec<&str> = STYLES[0]
        .lines()
        .filter(|line| line.starts_with(".f-") && line.contains("stroke:"))
        .collect();
    let of_series: Vec<Option<&str>> = (0..4)
        .map(|index| {
            let line = dashes
                .iter()
                .find(|line| line.starts_with(&format!(".f-{index} ")))
                .unwrap();
            line.split_once("stroke-dasharray:").map(|(_, dash)| dash.trim())
        })
        .collect();
    for (index, dash) in of_series.iter().enumerate() {
        assert!(!of_series[..index].contains(dash), "{dash:?}");
    }
}
