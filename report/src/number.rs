// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers as text: with separators, and with no more digits than they deserve.

use crate::model::{Interval, Ratio};

/// Writes a whole number with a comma every three digits.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a count that may be fractional: one decimal below 1,000 if it is not whole, none above.
pub fn count(value: f64) -> String {
    let negative = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    if !value.is_finite() {
        return format!("{negative}{value}");
    }
    let tenths = (value * 10.0).round();
    if value >= 1000.0 || tenths % 10.0 == 0.0 {
        format!("{negative}{}", grouped(value.round() as u64))
    } else {
        format!("{negative}{}.{}", grouped((tenths / 10.0) as u64), tenths % 10.0)
    }
}

/// Writes an interval of counts.
pub fn interval(interval: &Interval) -> String {
    format!("[{}, {}]", count(interval.low), count(interval.high))
}

/// Writes a ratio to three decimals; what would be shown as 0 or 1 without being it gets more.
pub fn ratio(value: f64) -> String {
    match value {
        v if !v.is_finite() => "inf".to_owned(),
        v if v >= 100.0 => count(v),
        v if v > 0.0 && v < 0.01 => format!("{v:.5}"),
        v => format!("{v:.3}"),
    }
}

/// Writes a round ratio as it stands at an axis.
pub fn short_ratio(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Writes a ratio with its interval, with as many decimals (3 to 6) as it takes to show the interval's width.
pub fn ratio_interval(value: &Ratio) -> String {
    let Interval { low, high } = value.interval;
    let half = (high - low) / 2.0;
    let plain = [low, high, value.estimate].iter().all(|v| (0.01..100.0).contains(v));
    if !plain || half <= 0.0 {
        return format!("{} [{}, {}]", ratio(value.estimate), ratio(low), ratio(high));
    }
    let decimals = (1.0 - half.log10().floor()).clamp(3.0, 6.0) as usize;
    format!("{:.decimals$} [{low:.decimals$}, {high:.decimals$}]", value.estimate)
}

/// Writes a ratio with its interval and the noise floor beside it, if there is one.
pub fn ratio_and_floor(ratio: &Ratio, floor: Option<f64>) -> String {
    let floor = floor.map_or(String::new(), |floor| format!(", A/A noise floor {}", percent(floor)));
    format!("ratio {}{floor}", ratio_interval(ratio))
}

/// Writes a fraction as a percentage with two significant digits, at least one decimal below 10%.
pub fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    match value.abs() {
        v if !v.is_finite() => "unbounded".to_owned(),
        0.0 => "0%".to_owned(),
        v if v < 0.001 => format!("{value:.0e}%"),
        v if v < 0.01 => format!("{value:.4}%"),
        v if v < 0.1 => format!("{value:.3}%"),
        v if v < 1.0 => format!("{value:.2}%"),
        v if v < 100.0 => format!("{value:.1}%"),
        _ => format!("{}%", count(value.round())),
    }
}

/// Writes a p-value: two significant digits, and no more than is of interest below a thousandth.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "<0.001".to_owned(),
        p if p < 0.01 => format!("{p:.4}"),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

/// Writes a number with its sign.
pub fn signed(value: f64) -> String {
    let text = count(value);
    if value > 0.0 && text != "0" {
        format!("+{text}")
    } else {
        text
    }
}

/// Writes "1 line" or "2 lines".
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn counts_have_a_decimal_only_where_it_says_something() {
        let of = [0.0, 3.5, 7.0, 9.96, 999.5, 1000.5, -2.25].map(count);
        assert_eq!(of, ["0", "3.5", "7", "10", "999.5", "1,001", "-2.3"]);
    }

    #[test]
    fn p_values_and_signs() {
        assert_eq!(
            [0.0, 0.004_32, 0.0321, 0.05, 0.678, 1.0].map(p_value),
            ["<0.001", "0.0043", "0.032", "0.050", "0.68", "1.00"]
        );
        assert_eq!([0.0, 0.01, 2.5, -2.5].map(signed), ["0", "0", "+2.5", "-2.5"]);
    }

    #[test]
    fn ratios() {
        let of = [0.75, 1.0, 0.001_25, 123.4, f64::INFINITY].map(ratio);
        assert_eq!(of, ["0.750", "1.000", "0.00125", "123.4", "inf"]);
    }

    #[test]
    fn an_interval_is_never_shown_without_its_width() {
        let of = |estimate, low, high| {
            ratio_interval(&Ratio {
                estimate,
                interval: Interval { low, high },
                batches: 50,
            })
        };
        assert_eq!(of(0.75, 0.75, 0.75), "0.750 [0.750, 0.750]");
        assert_eq!(of(0.9301, 0.9012, 0.9587), "0.930 [0.901, 0.959]");
        assert_eq!(of(1.0003, 1.0001, 1.0009), "1.00030 [1.00010, 1.00090]");
        assert_eq!(of(1.0, 0.0, f64::INFINITY), "1.000 [0.000, inf]");
    }

    #[test]
    fn percentages() {
        let of = [0.0, 0.000_03, 0.000_3, 0.002_991, 0.25, 1.0, 15.0].map(percent);
        assert_eq!(of, ["0%", "0.0030%", "0.030%", "0.30%", "25.0%", "100%", "1,500%"]);
    }
}
